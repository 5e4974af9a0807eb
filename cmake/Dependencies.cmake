# SPDX-License-Identifier: GPL-3.0-or-later
# Every package that mmsim needs, found at configure time; a missing one is named with the line that
# installs it on Debian.
find_package(PkgConfig REQUIRED)

function(mmsim_need target module package)
  pkg_check_modules(${target} IMPORTED_TARGET ${module})
  if(NOT ${target}_FOUND)
    message(FATAL_ERROR "mmsim needs ${module}, which is not installed. On Debian: apt-get install ${package}")
  endif()
endfunction()

mmsim_need(GSL gsl libgsl-dev)
mmsim_need(SQLITE3 sqlite3 libsqlite3-dev)
mmsim_need(SIMGRID simgrid libsimgrid-dev)
mmsim_need(YAML yaml-0.1 libyaml-dev)
mmsim_need(ZSTD libzstd libzstd-dev)
mmsim_need(HWLOC hwloc libhwloc-dev)
mmsim_need(CMOCKA cmocka libcmocka-dev)

find_library(BOOST_CONTEXT NAMES libboost_context.a boost_context)
if(NOT BOOST_CONTEXT)
  message(FATAL_ERROR "mmsim needs Boost.Context, which is not installed. On Debian: apt-get install libboost-context-dev")
endif()
