# SPDX-License-Identifier: GPL-3.0-or-later
# Run at each build: writes version.c anew if the source revision changed.
execute_process(COMMAND git -C ${SOURCE_DIR} describe --always --dirty --abbrev=10 --match=
                OUTPUT_VARIABLE MMSIM_REVISION OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT MMSIM_REVISION)
  set(MMSIM_REVISION unknown)
endif()
configure_file(${SOURCE_DIR}/cli/version.c.in ${OUTPUT} @ONLY)
