/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The XML of a machine. A way between two cores leads up and down again, so each link has half of
 * what its level adds to the latency.
 */
#include "cli/machine_platform.h"

#define LINE_BYTES 64

static double ns(sim_ps t)
{
	return (double)t / 1e3;
}

/* Half of what a level adds to the one below it. */
static double half_step(sim_ps level, sim_ps below)
{
	return level > below ? ns(level - below) / 2 : 0;
}

static void zone_route(const char *src, const char *src_port, unsigned int a, const char *dst,
		       const char *dst_port, unsigned int b, FILE *out)
{
	fprintf(out, "<zoneRoute src=\"%s%u\" dst=\"%s%u\" gw_src=\"%s%u\" gw_dst=\"%s%u\">", src,
		a, dst, b, src_port, a, dst_port, b);
}

/* The ways among n zones, each by its own link and the other's. */
static void write_ways(const char *zone, const char *port, const char *link, unsigned int first,
		       unsigned int n, FILE *out)
{
	for (unsigned int a = first; a < first + n; a++) {
		for (unsigned int b = a + 1; b < first + n; b++) {
			zone_route(zone, port, a, zone, port, b, out);
			fprintf(out, "<link_ctn id=\"%s%u\"/><link_ctn id=\"%s%u\"/></zoneRoute>\n",
				link, a, link, b);
		}
	}
}

static void write_link(const char *name, unsigned int i, double bw, double latency, FILE *out)
{
	fprintf(out,
		"<link id=\"%s%u\" bandwidth=\"%.0fBps\" latency=\"%.3fns\" "
		"sharing_policy=\"FATPIPE\"/>\n",
		name, i, bw, latency);
}

static void write_socket(const struct machine_desc *d, unsigned int socket, double bw, FILE *out)
{
	unsigned int n = d->topo.l3_per_socket, first = socket * n, per = d->topo.cores_per_l3;
	double up = half_step(d->line.same_socket, d->line.same_l3);

	/* The mesh is a zone of one router, by which the ways to other sockets leave. */
	fprintf(out,
		"<zone id=\"socket%u\" routing=\"Full\">\n"
		"<zone id=\"mesh%u\" routing=\"None\"><router id=\"port%u\"/></zone>\n",
		socket, socket, socket);
	for (unsigned int g = first; g < first + n; g++) {
		fprintf(out,
			"<cluster id=\"l3_%u\" prefix=\"core\" suffix=\"\" radical=\"%u-%u\" "
			"speed=\"%.0ff\" core=\"%u\" bw=\"%.0fBps\" lat=\"%.3fns\" "
			"router_id=\"l3_port%u\"/>\n",
			g, g * per, (g + 1) * per - 1, (double)d->hz, d->topo.threads_per_core, bw,
			ns(d->line.same_l3) / 2, g);
		write_link("l3_link", g, bw, up, out);
	}
	write_ways("l3_", "l3_port", "l3_link", first, n, out);
	for (unsigned int g = first; g < first + n; g++) {
		zone_route("l3_", "l3_port", g, "mesh", "port", socket, out);
		fprintf(out, "<link_ctn id=\"l3_link%u\"/></zoneRoute>\n", g);
	}
	fputs("</zone>\n", out);
}

void machine_write_platform(const struct machine_desc *d, FILE *out)
{
	/* One line in the time that a shared one keeps its home busy. */
	double bw = LINE_BYTES / ((double)d->line.read_occupancy * 1e-12);
	double up = half_step(d->line.cross_socket, d->line.same_socket);

	fprintf(out,
		"<?xml version='1.0'?>\n"
		"<!DOCTYPE platform SYSTEM \"https://simgrid.org/simgrid.dtd\">\n"
		"<!-- %s: a host is a core; latencies are those of a cache line's way -->\n"
		"<platform version=\"4.1\">\n<zone id=\"machine\" routing=\"Full\">\n",
		d->name);
	for (unsigned int s = 0; s < d->topo.sockets; s++) {
		write_socket(d, s, bw, out);
		write_link("socket_link", s, bw, up, out);
	}
	write_ways("socket", "port", "socket_link", 0, d->topo.sockets, out);
	fputs("</zone>\n</platform>\n", out);
}
