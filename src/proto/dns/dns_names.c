/* The IANA tables: record types with the shape of their data, classes, response codes, extended errors. */
#include "proto/dns/dns_wire.h"

struct type {
	const char *name, *format;
};

/* Letters of `format`: the table at the end of dns_rdata.c. No format: only the RFC 3597 form. */
static const struct type types[] = {
	[1] = { "A", "a" },
	[2] = { "NS", "n" },
	[3] = { "MD", "n" },
	[4] = { "MF", "n" },
	[5] = { "CNAME", "n" },
	[6] = { "SOA", "O" },
	[7] = { "MB", "n" },
	[8] = { "MG", "n" },
	[9] = { "MR", "n" },
	[10] = { "NULL", NULL },
	[11] = { "WKS", "abW" },
	[12] = { "PTR", "n" },
	[13] = { "HINFO", "qq" },
	[14] = { "MINFO", "nn" },
	[15] = { "MX", "-n" },
	[16] = { "TXT", "/" },
	[17] = { "RP", "nn" },
	[18] = { "AFSDB", "sn" },
	[19] = { "X25", "q" },
	[20] = { "ISDN", "Q" },
	[21] = { "RT", "sn" },
	[22] = { "NSAP", "0" },
	[23] = { "NSAP-PTR", "n" },
	[24] = { "SIG", "ybblTTsnB" },
	[25] = { "KEY", "sbbB" },
	[26] = { "PX", "snn" },
	[27] = { "GPOS", "qqq" },
	[28] = { "AAAA", "A" },
	[29] = { "LOC", "L" },
	[30] = { "NXT", NULL },
	[31] = { "EID", NULL },
	[32] = { "NIMLOC", NULL },
	[33] = { "SRV", "V" },
	[34] = { "ATMA", NULL },
	[35] = { "NAPTR", "ssqqqn" },
	[36] = { "KX", "sn" },
	[37] = { "CERT", "CsbB" },
	[38] = { "A6", NULL },
	[39] = { "DNAME", "n" },
	[40] = { "SINK", NULL },
	[41] = { "OPT", NULL },
	[42] = { "APL", "P" },
	[43] = { "DS", "sbbx" },
	[44] = { "SSHFP", "bbx" },
	[45] = { "IPSECKEY", "I" },
	[46] = { "RRSIG", "ybblTTsNB" },
	[47] = { "NSEC", "nm" },
	[48] = { "DNSKEY", "sbbB" },
	[49] = { "DHCID", "B" },
	[50] = { "NSEC3", "bbsX3m" },
	[51] = { "NSEC3PARAM", "bbsX" },
	[52] = { "TLSA", "bbbx" },
	[53] = { "SMIMEA", "bbbx" },
	[55] = { "HIP", "H" },
	[56] = { "NINFO", "Q" },
	[57] = { "RKEY", "sbbB" },
	[58] = { "TALINK", "NN" },
	[59] = { "CDS", "sbbx" },
	[60] = { "CDNSKEY", "sbbB" },
	[61] = { "OPENPGPKEY", "B" },
	[62] = { "CSYNC", "lsm" },
	[63] = { "ZONEMD", "lbbx" },
	[64] = { "SVCB", "sNZ" },
	[65] = { "HTTPS", "sNZ" },
	[66] = { "DSYNC", "ybsN" },
	[99] = { "SPF", "Q" },
	[100] = { "UINFO", NULL },
	[101] = { "UID", NULL },
	[102] = { "GID", NULL },
	[103] = { "UNSPEC", NULL },
	[104] = { "NID", "sh" },
	[105] = { "L32", "sa" },
	[106] = { "L64", "sh" },
	[107] = { "LP", "sN" },
	[108] = { "EUI48", "6" },
	[109] = { "EUI64", "8" },
	[128] = { "NXNAME", NULL },
	[249] = { "TKEY", "NllsrKK" },
	[250] = { "TSIG", "NtsKsrK" },
	[251] = { "IXFR", NULL },
	[252] = { "AXFR", NULL },
	[253] = { "MAILB", NULL },
	[254] = { "MAILA", NULL },
	[255] = { "ANY", NULL },
	[256] = { "URI", "ssu" },
	[257] = { "CAA", "bgu" },
	[258] = { "AVC", "Q" },
	[259] = { "DOA", "llbqB" },
	[260] = { "AMTRELAY", "R" },
	[261] = { "RESINFO", "Q" },
	[262] = { "WALLET", "Q" },
	[263] = { "CLA", "Q" },
	[264] = { "IPN", "U" },
};

static const struct type type_ta = { "TA", "sbbx" }, type_dlv = { "DLV", "sbbx" };

static const struct type *type_find(u16 type)
{
	if (type == 32768)
		return &type_ta;
	if (type == 32769)
		return &type_dlv;
	return &types[type < ARRAY_LEN(types) ? type : 0];
}

const char *dns_type_name(u16 type)
{
	return type_find(type)->name;
}

const char *dns_type_format(u16 type)
{
	return type_find(type)->format;
}

const char *dns_class_name(u16 class)
{
	static const char *const names[] = { [1] = "INET", [2] = "CSNET", [3] = "CHAOS", [4] = "HESIOD", [255] = "ANY" };
	return class < ARRAY_LEN(names) ? names[class] : NULL;
}

const char *dns_rcode_name(u16 rcode)
{
	static const char *const names[] = {
		"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH",
		"NOTZONE", "DSOTYPENI", [16] = "BADVERS", "BADKEY", "BADTIME", "BADMODE", "BADNAME", "BADALG", "BADTRUNC", "BADCOOKIE",
	};
	return rcode < ARRAY_LEN(names) ? names[rcode] : NULL;
}

/* RFC 8914 and the IANA registry after it. */
const char *dns_ede_name(u16 code)
{
	static const char *const names[] = {
		"Other Error", "Unsupported DNSKEY Algorithm", "Unsupported DS Digest Type", "Stale Answer", "Forged Answer",
		"DNSSEC Indeterminate", "DNSSEC Bogus", "Signature Expired", "Signature Not Yet Valid", "DNSKEY Missing",
		"RRSIGs Missing", "No Zone Key Bit Set", "NSEC Missing", "Cached Error", "Not Ready", "Blocked", "Censored", "Filtered",
		"Prohibited", "Stale NXDOMAIN Answer", "Not Authoritative", "Not Supported", "No Reachable Authority", "Network Error",
		"Invalid Data", "Signature Expired before Valid", "Too Early", "Unsupported NSEC3 Iterations Value",
		"Unable to conform to policy", "Synthesized", "Invalid Query Type",
	};
	return code < ARRAY_LEN(names) ? names[code] : NULL;
}

void dns_put_type(struct text *t, u16 type)
{
	const char *name = dns_type_name(type);
	if (name) {
		text_s(t, name);
		return;
	}
	text_s(t, "TYPE");
	text_u(t, type);
}

void dns_put_class(struct text *t, u16 class)
{
	const char *name = dns_class_name(class);
	if (name)
		text_s(t, name);
	else
		text_u(t, class);
}
