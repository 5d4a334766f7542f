/* Record data as text: every type there is, good and damaged. The bytes were made with dnspython from the text of the RFCs'
 * examples, and its text is the expected one, but for the forms that this program has always had (SOA, SRV, MX, TXT). */
#include "unit.h"

#include "proto/dns/dns_build.h"

static const struct sample {
	const char *name;
	u16 type;
	const char *hex, *text;
} samples[] = {
	{ "A", 1, "c0000250", "192.0.2.80" },
	{ "AAAA", 28, "20010db8000000000000000000000001", "2001:db8::1" },
	{ "NS", 2, "036e7331076578616d706c6503636f6d00", "ns1.example.com." },
	{ "CNAME", 5, "03777777076578616d706c65036e657400", "www.example.net." },
	{ "PTR", 12, "04686f7374076578616d706c65036f726700", "host.example.org." },
	{ "DNAME", 39, "0164076578616d706c6500", "d.example." },
	{ "MX", 15, "000a046d61696c076578616d706c6503636f6d00", "mail.example.com." },
	{ "SRV", 33, "000a003c13c403736970076578616d706c6503636f6d00", "sip.example.com.:5060/W:60/P:10" },
	{ "SOA", 6, "026e73076578616d706c6503636f6d000561646d696e076578616d706c6503636f6d0078a3f17500001c2000000e10001275000000012c",
	  "ns.example.com./admin.example.com./T:300/E:1209600" },
	{ "TXT", 16, "0b763d73706631202d616c6c067365636f6e64", "v=spf1 -all/second" },
	{ "SPF", 99, "08763d737066312061067122756f7465", "\"v=spf1 a\" \"q\\\"uote\"" },
	{ "HINFO", 13, "025043054c696e7578", "\"PC\" \"Linux\"" },
	{ "RP", 17, "046d626f78076578616d706c6503636f6d0003747874076578616d706c6503636f6d00", "mbox.example.com. txt.example.com." },
	{ "AFSDB", 18, "000103616673076578616d706c6503636f6d00", "1 afs.example.com." },
	{ "X25", 19, "0c333131303631373030393536", "\"311061700956\"" },
	{ "ISDN", 20, "0f31353038363230323830303332313703303034", "\"150862028003217\" \"004\"" },
	{ "RT", 21, "000a0572656c6179076578616d706c6503636f6d00", "10 relay.example.com." },
	{ "NSAP", 22, "47000580005a0000000001e133ffffff00016100", "0x47000580005A0000000001E133FFFFFF00016100" },
	{ "PX", 26, "000a026162046e65743202697400046f2d61620970726d642d6e6574320561646d646204632d697400",
	  "10 ab.net2.it. o-ab.prmd-net2.admdb.c-it." },
	{ "GPOS", 27, "082d33322e36383832083131362e383635320431302e30", "\"-32.6882\" \"116.8652\" \"10.0\"" },
	{ "LOC", 29, "0033161389172e4b70be15f000988d20", "42 21 54.123 N 71 6 18.000 W -24.00m 30.00m 10000.00m 10.00m" },
	{ "LOC", 29, "0012502280000000800000000098bdc2", "0 0 0.000 N 0 0 0.000 E 100.50m 1.00m 0.05m 2.00m" },
	{ "NAPTR", 35, "0064000a0155074532552b7369701b215e2e2a24217369703a696e666f406578616d706c652e636f6d2100",
	  "100 10 \"U\" \"E2U+sip\" \"!^.*$!sip:info@example.com!\" ." },
	{ "KX", 36, "000a026b78076578616d706c6503636f6d00", "10 kx.example.com." },
	{ "CERT", 37, "000130390803010001", "PKIX 12345 8 AwEAAQ==" },
	{ "APL", 42, "00011503c0a82000011c83c0a82600020801ff", "1:192.168.32.0/21 !1:192.168.38.0/28 2:ff00::/8" },
	{ "DS", 43, "ec4505012bb183af5f22588179a53b0a98631fad1a292118", "60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118" },
	{ "SSHFP", 44, "0101123456789abcdef67890123456789abcdef67890", "1 1 123456789ABCDEF67890123456789ABCDEF67890" },
	{ "IPSECKEY", 45, "0a0102c0000226010351537986ed35533b6064478eeeb27b5bd74dae149b6e81ba3a0521af82ab7801",
	  "10 1 2 192.0.2.38 AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==" },
	{ "IPSECKEY", 45, "0a0002010351537986ed35533b6064478eeeb27b5bd74dae149b6e81ba3a0521af82ab7801",
	  "10 0 2 . AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==" },
	{ "IPSECKEY", 45, "0a0302026777076578616d706c6503636f6d00010351537986ed35533b6064478eeeb27b5bd74dae149b6e81ba3a0521af82ab7801",
	  "10 3 2 gw.example.com. AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==" },
	{ "RRSIG", 46, "0001050300015180714646d7711eb9d70a52076578616d706c6503636f6d00a090755ba58d1affa576f4375831b4310920e481218d18a9"
	  "f164eb3d81afd3b875d3c75428631e0cf2a28d50875f70c329d7dbfafea8",
	  "A 5 3 86400 20300322173103 20300220173103 2642 example.com. oJB1W6WNGv+ldvQ3WDG0MQkg5IEhjRip8WTrPYGv07h108dUKG"
	  "MeDPKijVCHX3DDKdfb+v6o" },
	{ "NSEC", 47, "04686f7374076578616d706c6503636f6d000006400100000003041b000000000000000000000000000000000000000000000000000020",
	  "host.example.com. A MX RRSIG NSEC TYPE1234" },
	{ "DNSKEY", 48, "010003050103d22a6ca77f35b893206fd35e4c506d8378843709b97e041647e1bff43d8d64c649af1e371973c9e8",
	  "256 3 5 AQPSKmynfzW4kyBv015MUG2DeIQ3Cbl+BBZH4b/0PY1kxkmvHjcZc8no" },
	{ "DHCID", 49, "000201636fc0b8271c82825bb1ac5c41cf5351aa69b4febd94e8f17cdb95000da48c40",
	  "AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=" },
	{ "NSEC3", 50, "0101000c04aabbccdd1417f3df17b2b2adaef615257de4d2020b80ac6c7c0006400000000002",
	  "1 1 12 AABBCCDD 2VPTU5TIMAMQTTGL4LUU9KG21E0AOR3S A RRSIG" },
	{ "NSEC3PARAM", 51, "0100000c04aabbccdd", "1 0 12 AABBCCDD" },
	{ "NSEC3PARAM", 51, "0100000000", "1 0 0 -" },
	{ "TLSA", 52, "0301010c72ac70b745ac19998811b131d662c9ac69dbdbe7cb23e5b514b56664c5d3d6",
	  "3 1 1 0C72AC70B745AC19998811B131D662C9AC69DBDBE7CB23E5B514B56664C5D3D6" },
	{ "SMIMEA", 53, "030000aabb", "3 0 0 AABB" },
	{ "HIP", 55, "10020084200100107b1a74df365639cc39f1d57803010001b771ca136e4aeb5ce44333c53b3d2c13c22243851fc708bcce29f7e2eb5787"
	  "b5f56ccad34f8223acc10904ddb56b2ec4a6d6232f3b50ea094f0914b3b941bbe529af582c36bbadefdaf2adaf9b4911906f5b2522603c"
	  "615272b880ec8fb930cc6ee39c444daa75b1678f005a4b2499d1da5433f805c7a5ad3237acc5dd5c5e4303727673076578616d706c6503"
	  "636f6d00",
	  "2 200100107B1A74DF365639CC39F1D578 AwEAAbdxyhNuSutc5EMzxTs9LBPCIkOFH8cIvM4p9+LrV4e19WzK00+CI6zBCQTdtWsuxKbWIy8"
	  "7UOoJTwkUs7lBu+Upr1gsNrut79ryra+bSRGQb1slImA8YVJyuIDsj7kwzG7jnERNqnWxZ48AWkskmdHaVDP4BcelrTI3rMXdXF5D rvs.exam"
	  "ple.com." },
	{ "NINFO", 56, "01610162", "\"a\" \"b\"" },
	{ "CDS", 59, "ec4505012bb183af5f22588179a53b0a98631fad1a292118", "60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118" },
	{ "CDNSKEY", 60, "010003050103d22a6ca77f35b893206fd35e4c506d8378843709b97e", "256 3 5 AQPSKmynfzW4kyBv015MUG2DeIQ3Cbl+" },
	{ "OPENPGPKEY", 61, "99010d0455479b9b010800ec", "mQENBFVHm5sBCADs" },
	{ "CSYNC", 62, "000000420003000460000008", "66 3 A NS AAAA" },
	{ "ZONEMD", 63, "7848b78c0101febe3d4ce2ec2ffa4ba99d46cd69d6d29711e55217057bee7eb1a7b641a47ba7fed2dd5b97ae499fafa4f22c6bd647de",
	  "2018031500 1 1 FEBE3D4CE2EC2FFA4BA99D46CD69D6D29711E55217057BEE7EB1A7B641A47BA7FED2DD5B97AE499FAFA4F22C6BD647D"
	  "E" },
	{ "SVCB", 64, "001003666f6f076578616d706c65036f7267000000000400010004000100090268320568332d313900040004c0000201",
	  "16 foo.example.org. mandatory=alpn,ipv4hint alpn=\"h2,h3-19\" ipv4hint=192.0.2.1" },
	{ "SVCB", 64, "000103666f6f076578616d706c6503636f6d00029b000968656c6c6fd2716f6f",
	  "1 foo.example.com. key667=\"hello\\210qoo\"" },
	{ "SVCB", 64, "001003666f6f076578616d706c65036f7267000001000c08665c6f6f2c626172026832",
	  "16 foo.example.org. alpn=\"f\\\\\\\\oo\\\\,bar,h2\"" },
	{ "HTTPS", 65, "000003737663076578616d706c65036e657400", "0 svc.example.net." },
	{ "DSYNC", 66, "003b0114ef0b6364732d7363616e6e6572076578616d706c65036e657400", "CDS 1 5359 cds-scanner.example.net." },
	{ "NID", 104, "000a00144fffff20ee64", "10 0014:4fff:ff20:ee64" },
	{ "L32", 105, "000a0a010200", "10 10.1.2.0" },
	{ "L64", 106, "000a20010db811401000", "10 2001:0db8:1140:1000" },
	{ "LP", 107, "000a0b6c36342d7375626e657431076578616d706c6503636f6d00", "10 l64-subnet1.example.com." },
	{ "EUI48", 108, "00005e00532a", "00-00-5e-00-53-2a" },
	{ "EUI64", 109, "00005eef1000002a", "00-00-5e-ef-10-00-00-2a" },
	{ "URI", 256, "000a00016674703a2f2f667470312e6578616d706c652e636f6d2f7075626c6963", "10 1 \"ftp://ftp1.example.com/public\"" },
	{ "CAA", 257, "0005697373756563612e6578616d706c652e6e65743b206163636f756e743d323330313233",
	  "0 issue \"ca.example.net; account=230123\"" },
	{ "AVC", 258, "1f6170702d6e616d653a574f4c4647414e477c6170702d636c6173733a4f414d", "\"app-name:WOLFGANG|app-class:OAM\"" },
	{ "AMTRELAY", 260, "0a01cb00710f", "10 0 1 203.0.113.15" },
	{ "AMTRELAY", 260, "808309616d7472656c617973076578616d706c6503636f6d00", "128 1 3 amtrelays.example.com." },
	{ "RESINFO", 261, "08716e616d656d696e0c6578746572723d31352d3137", "\"qnamemin\" \"exterr=15-17\"" },
	{ "WALLET", 262, "0342544303616263", "\"BTC\" \"abc\"" },
	{ "TYPE65280", 65280, "0a000001", "\\# 4 0A000001" },
	{ "TKEY", 249, "086773732d74736967005f059e935f05a9c80003000000047465737400056f74686572",
	  "gss-tsig. 1594203795 1594206664 3 NOERROR 4 dGVzdA== 5 b3RoZXI=" },
	{ "TSIG", 250, "0b686d61632d7368613235360000005f0f9043012c0020000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	  "10e100100000",
	  "hmac-sha256. 1594855491 300 32 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8= 4321 BADSIG 0" },
	{ "WKS", 11, "c00002500600000040", "192.0.2.80 6 25" },
	{ "MD", 3, "0161016200", "a.b." },
	{ "MF", 4, "0161016200", "a.b." },
	{ "MB", 7, "0161016200", "a.b." },
	{ "MG", 8, "0161016200", "a.b." },
	{ "MR", 9, "0161016200", "a.b." },
	{ "MINFO", 14, "016100016200", "a. b." },
	{ "NULL", 10, "010203", "\\# 3 010203" },
	{ "NSAP-PTR", 23, "03666f6f0362617200", "foo.bar." },
	{ "SIG", 24, "00010503000151807094b5c770689e470a52076578616d706c6503636f6d00616263",
	  "A 5 3 86400 20291108010055 20291005142055 2642 example.com. YWJj" },
	{ "KEY", 25, "01000305616263", "256 3 5 YWJj" },
	{ "EID", 31, "ab", "\\# 1 AB" },
	{ "NIMLOC", 32, "ab", "\\# 1 AB" },
	{ "ATMA", 34, "00", "\\# 1 00" },
	{ "A6", 38, "00", "\\# 1 00" },
	{ "SINK", 40, "00", "\\# 1 00" },
	{ "NXT", 30, "0001", "\\# 2 0001" },
	{ "RKEY", 57, "00000105616263", "0 1 5 YWJj" },
	{ "TALINK", 58, "016100016200", "a. b." },
	{ "CERT", 37, "00fd000105616263", "URI 1 5 YWJj" },
	{ "CERT", 37, "ffff000105616263", "65535 1 5 YWJj" },
	{ "DOA", 259, "0000000100000002030474657874616263", "1 2 3 \"text\" YWJj" },
	{ "CLA", 263, "075443502d56342d", "\"TCP-V4-\"" },
	{ "IPN", 264, "0000000100000002", "4294967298" },
	{ "TA", 32768, "ec450501ab", "60485 5 1 AB" },
	{ "DLV", 32769, "ec450501ab", "60485 5 1 AB" },
	{ "HTTPS", 65, "00010000010006026833026832000200000003000220fb00040008c0000201c00002020005000448fe0d000006001020010db800000000"
	  "0000000000000001000700102f646e732d71756572797b3f646e737d0008000000090004001d0017",
	  "1 . alpn=\"h3,h2\" no-default-alpn port=8443 ipv4hint=192.0.2.1,192.0.2.2 ech=SP4NAA== ipv6hint=2001:db8::1 do"
	  "hpath=\"/dns-query{?dns}\" ohttp tls-supported-groups=29,23" },
	{ "SVCB", 64, "000100ff9c0003612262", "1 . key65436=\"a\\\"b\"" },
	{ "TXT", 16, "00", "" },
	{ "TXT", 16, "0361ff62", "a\377b" },
	{ "TYPE1000", 1000, "", "" },
	{ "A", 1, "010203", "\\# 3 010203" },
	{ "A", 1, "0102030405", "\\# 5 0102030405" },
	{ "NS", 2, "c020", "\\# 2 C020" },
	{ "SVCB", 64, "0001c00c", "\\# 4 0001C00C" },
	{ "SVCB", 64, "00010000030002000100010000", "\\# 13 00010000030002000100010000" },
	{ "NSEC", 47, "0161000000", "\\# 5 0161000000" },
	{ "NSEC", 47, "016100010140000140", "\\# 9 016100010140000140" },
	{ "LOC", 29, "01121613800000008000000000989680", "\\# 16 01121613800000008000000000989680" },
	{ "LOC", 29, "00a21613800000008000000000989680", "\\# 16 00A21613800000008000000000989680" },
	{ "LOC", 29, "00121613ffffffff8000000000989680", "\\# 16 00121613FFFFFFFF8000000000989680" },
	{ "CAA", 257, "000078", "\\# 3 000078" },
	{ "IPSECKEY", 45, "010402", "\\# 3 010402" },
	{ "APL", 42, "0003080101", "\\# 5 0003080101" },
	{ "TKEY", 249, "01610000000001000000020003ffff00000000", "a. 1 2 3 65535 0 0" },
};

static size_t from_hex(const char *hex, u8 *out)
{
	size_t n = 0;
	for (; hex[2 * n]; n++)
		out[n] = (u8)(hex_digit(hex[2 * n]) << 4 | hex_digit(hex[2 * n + 1]));
	return n;
}

/* The data at the end of a message that ends at an unreadable page. */
static struct str text_of(struct text *t, u16 type, const u8 *data, size_t n)
{
	u8 message[DNS_HEADER + 1024] = { 0 };
	memcpy(message + DNS_HEADER, data, n);
	struct guarded g = guarded_copy(message, DNS_HEADER + n);
	struct dns_rr rr = { .type = type, .class = DNS_CLASS_IN, .rdlen = (u16)n, .rdata = DNS_HEADER };
	dns_put_rdata(t, g.p, &rr);
	guarded_free(&g);
	return text_str(t);
}

static void test_samples(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		const struct sample *s = &samples[i];
		u8 data[1024];
		TEXT(t, DNS_RECORD_TEXT);
		TEXT(type, 16);
		struct str got = text_of(&t, s->type, data, from_hex(s->hex, data));
		dns_put_type(&type, s->type);
		if (!str_eq(got, str_from(s->text)) || !str_eq(text_str(&type), str_from(s->name)))
			fail_msg("%s: %.*s %.*s instead of %s", s->name, STR_ARG(text_str(&type)), STR_ARG(got), s->text);
	}
}

/* Cut anywhere, the text is that of a shorter record or the unknown form, and nothing is read past the end. */
static void test_cut(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		u8 data[1024];
		size_t n = from_hex(samples[i].hex, data);
		for (size_t len = 0; len < n; len++) {
			TEXT(t, DNS_RECORD_TEXT);
			text_of(&t, samples[i].type, data, len);
		}
	}
}

/* Every type with bytes of every kind. */
static void test_garbage(void **state)
{
	u8 data[64];
	u32 seed = 1;
	for (unsigned type = 0; type < 70000; type += type < 300 ? 1 : 997) {
		for (int round = 0; round < 20; round++) {
			TEXT(t, DNS_RECORD_TEXT);
			for (size_t i = 0; i < sizeof(data); i++)
				data[i] = (u8)((seed = seed * 1103515245 + 12345) >> 16) >> round % 8;
			text_of(&t, (u16)type, data, seed % sizeof(data));
		}
	}
}

/* Text stops at its room, and the room is all that is used. */
static void test_room(void **state)
{
	u8 data[1024];
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		const struct sample *s = &samples[i];
		size_t n = from_hex(s->hex, data), whole = strlen(s->text);
		for (size_t room = 0; room < whole; room++) {
			char small[1024];
			memset(small, '#', sizeof(small));
			struct text t = { small, 0, (u32)room, false };
			text_of(&t, s->type, data, n);
			assert_true(t.n <= room);
			assert_int_equal(small[room], '#');
		}
	}
}

/* An update names sets of records by class and an empty record. */
static void test_empty(void **state)
{
	TEXT(t, 64);
	struct dns_rr rr = { .type = 1, .class = 254 };
	dns_put_rdata(&t, (const u8 *)"", &rr);
	assert_int_equal(t.n, 0);
	rr.class = 1;
	dns_put_rdata(&t, (const u8 *)"", &rr);
	assert_true(str_eq(text_str(&t), STR("\\# 0")));
}

static void test_names_of_numbers(void **state)
{
	assert_string_equal(dns_rcode_name(0), "NOERROR");
	assert_string_equal(dns_rcode_name(11), "DSOTYPENI");
	assert_null(dns_rcode_name(12));
	assert_string_equal(dns_rcode_name(16), "BADVERS");
	assert_string_equal(dns_rcode_name(23), "BADCOOKIE");
	assert_null(dns_rcode_name(24));
	assert_string_equal(dns_class_name(1), "INET");
	assert_null(dns_class_name(254));
	assert_string_equal(dns_ede_name(0), "Other Error");
	assert_string_equal(dns_ede_name(22), "No Reachable Authority");
	assert_string_equal(dns_ede_name(30), "Invalid Query Type");
	assert_null(dns_ede_name(31));
	assert_null(dns_type_name(0));
	assert_null(dns_type_name(54));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples), cmocka_unit_test(test_cut), cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_room), cmocka_unit_test(test_empty), cmocka_unit_test(test_names_of_numbers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
