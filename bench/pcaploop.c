/* The floor of the comparison: a bare loop over libpcap that looks at every byte count and at nothing else.
 * usage: pcaploop FILE   SPDX-License-Identifier: Apache-2.0 */
#include <pcap/pcap.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	char error[PCAP_ERRBUF_SIZE];
	pcap_t *p = argc == 2 ? pcap_open_offline(argv[1], error) : NULL;
	if (!p) {
		fprintf(stderr, "usage: pcaploop FILE\n");
		return 1;
	}
	struct pcap_pkthdr *h;
	const unsigned char *data;
	unsigned long long packets = 0, bytes = 0;
	while (pcap_next_ex(p, &h, &data) == 1) {
		packets++;
		bytes += h->caplen;
	}
	printf("%llu packets, %llu bytes\n", packets, bytes);
	pcap_close(p);
	return 0;
}
