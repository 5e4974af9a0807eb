/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Starts SimGrid in this process and gives it a platform: a host for each CPU, a cluster for each
 * L3 group, all groups around one fabric. Only SimGrid's tools look at speeds and links; the models
 * compute their own times.
 */
#define _GNU_SOURCE /* memfd_create */
#include "sim/engine/simgrid_platform.h"

#include <errno.h>
#include <simgrid/engine.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* SimGrid is a singleton by its own design: one engine and one platform a process. */
static unsigned int hosts; /* of the loaded platform; 0: not set up yet */

static void init_simgrid(size_t stack_bytes)
{
	char stack[64];
#ifdef MMSIM_ASAN
	char factory[] = "--cfg=contexts/factory:thread"; /* stacks that the sanitizer knows */
#else
	char factory[] = "--cfg=contexts/factory:raw";
#endif
	/* The least distance of two times: a tenth of our unit. */
	char precision[] = "--cfg=surf/precision:1e-13";
	char exit[] = "--cfg=debug/verbose-exit:0", quiet[] = "--log=root.thresh:critical";
	char program[] = "mmsim";
	char *argv[] = { program, stack, factory, precision, exit, quiet, NULL };
	int argc = 6;

	/* SimGrid's own frames lie on an actor's stack too. */
	snprintf(stack, sizeof(stack), "--cfg=contexts/stack-size:%zu", (stack_bytes >> 10) + 64);
	simgrid_init(&argc, argv);
}

static void write_platform(FILE *out, unsigned int n, unsigned int per_group)
{
	fprintf(out, "<?xml version='1.0'?>\n"
		     "<!DOCTYPE platform SYSTEM \"https://simgrid.org/simgrid.dtd\">\n"
		     "<platform version=\"4.1\">\n"
		     "<zone id=\"machine\" routing=\"Floyd\">\n"
		     "<zone id=\"fabric\" routing=\"None\"><router id=\"hub\"/></zone>\n");
	for (unsigned int first = 0; first < n; first += per_group) {
		unsigned int last = first + per_group < n ? first + per_group - 1 : n - 1;

		fprintf(out,
			"<cluster id=\"group%u\" prefix=\"cpu\" suffix=\"\" radical=\"%u-%u\" "
			"speed=\"1Gf\" bw=\"100GBps\" lat=\"20ns\" router_id=\"port%u\"/>\n"
			"<link id=\"link%u\" bandwidth=\"100GBps\" latency=\"60ns\"/>\n",
			first / per_group, first, last, first / per_group, first / per_group);
	}
	for (unsigned int g = 0; g * per_group < n; g++)
		fprintf(out,
			"<zoneRoute src=\"group%u\" dst=\"fabric\" gw_src=\"port%u\" "
			"gw_dst=\"hub\"><link_ctn id=\"link%u\"/></zoneRoute>\n",
			g, g, g);
	fprintf(out, "</zone>\n</platform>\n");
}

/* SimGrid's C interface builds platforms from files only. */
static bool load_platform(unsigned int n, unsigned int per_group, struct err *err)
{
	int fd = memfd_create("platform.xml", MFD_CLOEXEC);
	FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
	char path[64];

	if (!out) {
		err_set(err, "cannot write SimGrid's platform: %s", strerror(errno));
		if (fd >= 0)
			close(fd);
		return false;
	}
	write_platform(out, n, per_group);
	if (fflush(out) != 0) {
		err_set(err, "cannot write SimGrid's platform: %s", strerror(errno));
		fclose(out);
		return false;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	simgrid_load_platform(path);
	fclose(out);
	return true;
}

bool simgrid_setup(const struct sim_options *opt, struct err *err)
{
	unsigned int n = opt->platform.hosts ? opt->platform.hosts : 1;
	unsigned int per_group = opt->platform.hosts_per_group;

	if (hosts)
		return true;
	init_simgrid(opt->stack_bytes);
	if (!load_platform(n, per_group ? per_group : n, err))
		return false;
	hosts = n;
	return true;
}

const char *simgrid_host_name(unsigned int host, char *buf, size_t size)
{
	snprintf(buf, size, "cpu%u", host % hosts);
	return buf;
}
