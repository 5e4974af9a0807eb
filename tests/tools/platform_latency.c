/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Loads a SimGrid platform file with SimGrid and prints its number of hosts, then the latency in ns
 * of the way between each pair of hosts named on the line. A test tool: what it reads came from
 * mmsim.
 */
#include <simgrid/engine.h>
#include <simgrid/host.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	int n = 2;
	char quiet[] = "--log=root.thresh:critical";
	char *args[] = { argv[0], quiet, NULL };

	if (argc < 2 || argc % 2) {
		fprintf(stderr, "expected: FILE [HOST HOST]...\n");
		return 2;
	}
	simgrid_init(&n, args);
	simgrid_load_platform(argv[1]);
	printf("%zu\n", sg_host_count());
	for (int i = 2; i + 1 < argc; i += 2) {
		sg_host_t a = sg_host_by_name(argv[i]), b = sg_host_by_name(argv[i + 1]);

		if (!a || !b) {
			fprintf(stderr, "no host %s\n", a ? argv[i + 1] : argv[i]);
			return 1;
		}
		printf("%.2f\n", sg_host_get_route_latency(a, b) * 1e9);
	}
	return 0;
}
