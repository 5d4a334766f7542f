/* The static Huffman code: RFC 7541 section 5.2 and appendix B. It is canonical (codes of one length follow each other in the
 * order of their symbols), so lengths say everything; the tables here are made from them. */
#include "proto/http2/hpack.h"

#define SHORT 8 /* bits of the longest code that one look-up finds */
#define END 256 /* end of string: never sent, but its first bits are the padding */

/* By the next 8 bits: the symbol … */
static const u8 short_symbol[256] = {
	48, 48, 48, 48, 48, 48, 48, 48, 49, 49, 49, 49, 49, 49, 49, 49, 50, 50, 50, 50, 50, 50, 50, 50,
	97, 97, 97, 97, 97, 97, 97, 97, 99, 99, 99, 99, 99, 99, 99, 99, 101, 101, 101, 101, 101, 101, 101, 101,
	105, 105, 105, 105, 105, 105, 105, 105, 111, 111, 111, 111, 111, 111, 111, 111, 115, 115, 115, 115, 115, 115, 115, 115,
	116, 116, 116, 116, 116, 116, 116, 116, 32, 32, 32, 32, 37, 37, 37, 37, 45, 45, 45, 45, 46, 46, 46, 46,
	47, 47, 47, 47, 51, 51, 51, 51, 52, 52, 52, 52, 53, 53, 53, 53, 54, 54, 54, 54, 55, 55, 55, 55,
	56, 56, 56, 56, 57, 57, 57, 57, 61, 61, 61, 61, 65, 65, 65, 65, 95, 95, 95, 95, 98, 98, 98, 98,
	100, 100, 100, 100, 102, 102, 102, 102, 103, 103, 103, 103, 104, 104, 104, 104, 108, 108, 108, 108, 109, 109, 109, 109,
	110, 110, 110, 110, 112, 112, 112, 112, 114, 114, 114, 114, 117, 117, 117, 117, 58, 58, 66, 66, 67, 67, 68, 68,
	69, 69, 70, 70, 71, 71, 72, 72, 73, 73, 74, 74, 75, 75, 76, 76, 77, 77, 78, 78, 79, 79, 80, 80,
	81, 81, 82, 82, 83, 83, 84, 84, 85, 85, 86, 86, 87, 87, 89, 89, 106, 106, 107, 107, 113, 113, 118, 118,
	119, 119, 120, 120, 121, 121, 122, 122, 38, 42, 44, 59, 88, 90, 0, 0,
};

/* … and the bits of its code, 0 when it has more than 8. */
static const u8 short_bits[256] = {
	5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5,
	5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5,
	5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6,
	6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6,
	6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6,
	6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 7, 7, 7, 7, 7, 7, 7, 7,
	7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
	7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 8, 8, 8, 8, 8, 0, 0,
};

/* The other symbols, by code. */
static const u16 long_symbol[183] = {
	33, 34, 40, 41, 63, 39, 43, 124, 35, 62, 0, 36, 64, 91, 93, 126, 94, 125, 60, 96, 123, 92, 195, 208,
	128, 130, 131, 162, 184, 194, 224, 226, 153, 161, 167, 172, 176, 177, 179, 209, 216, 217, 227, 229, 230, 129, 132, 133,
	134, 136, 146, 154, 156, 160, 163, 164, 169, 170, 173, 178, 181, 185, 186, 187, 189, 190, 196, 198, 228, 232, 233, 1,
	135, 137, 138, 139, 140, 141, 143, 147, 149, 150, 151, 152, 155, 157, 158, 165, 166, 168, 174, 175, 180, 182, 183, 188,
	191, 197, 231, 239, 9, 142, 144, 145, 148, 159, 171, 206, 215, 225, 236, 237, 199, 207, 234, 235, 192, 193, 200, 201,
	202, 205, 210, 213, 218, 219, 238, 240, 242, 243, 255, 203, 204, 211, 212, 214, 221, 222, 223, 241, 244, 245, 246, 247,
	248, 250, 251, 252, 253, 254, 2, 3, 4, 5, 6, 7, 8, 11, 12, 14, 15, 16, 17, 18, 19, 20, 21, 23,
	24, 25, 26, 27, 28, 29, 30, 31, 127, 220, 249, 10, 13, 22, 256,
};

/* Codes of one length: the first of them, and its place among all. */
static const struct {
	u8 bits, n, place;
	u32 first;
} longs[] = {
	{ 10, 5, 0, 0x3f8 },
	{ 11, 3, 5, 0x7fa },
	{ 12, 2, 8, 0xffa },
	{ 13, 6, 10, 0x1ff8 },
	{ 14, 2, 16, 0x3ffc },
	{ 15, 3, 18, 0x7ffc },
	{ 19, 3, 21, 0x7fff0 },
	{ 20, 8, 24, 0xfffe6 },
	{ 21, 13, 32, 0x1fffdc },
	{ 22, 26, 45, 0x3fffd2 },
	{ 23, 29, 71, 0x7fffd8 },
	{ 24, 12, 100, 0xffffea },
	{ 25, 4, 112, 0x1ffffec },
	{ 26, 15, 116, 0x3ffffe0 },
	{ 27, 19, 131, 0x7ffffde },
	{ 28, 29, 150, 0xfffffe2 },
	{ 30, 4, 179, 0x3ffffffc },
};

/* The symbol that the 32 bits begin with, -1 for none. */
static int long_code(u32 bits, unsigned *ret_bits)
{
	for (size_t i = 0; i < ARRAY_LEN(longs); i++) {
		u32 code = bits >> (32 - longs[i].bits);
		if (code - longs[i].first < longs[i].n) {
			*ret_bits = longs[i].bits;
			return long_symbol[longs[i].place + code - longs[i].first];
		}
	}
	return -1;
}

long hpack_huffman(const u8 *p, size_t n, u8 *out, size_t room)
{
	const u8 *end = p + n;
	u64 window = 0; /* its highest `have` bits are those to come */
	unsigned have = 0;
	size_t used = 0;
	for (;;) {
		while (have <= 56 && p < end) {
			window |= (u64)*p++ << (56 - have);
			have += 8;
		}
		unsigned bits = short_bits[window >> 56];
		int symbol = short_symbol[window >> 56];
		if (!bits)
			symbol = long_code((u32)(window >> 32), &bits);
		if (symbol < 0 || bits > have)
			break;
		if (symbol == END || used == room)
			return -1;
		out[used++] = (u8)symbol;
		window <<= bits;
		have -= bits;
	}
	/* section 5.2: less than a byte of padding, all ones */
	if (p < end || have > 7 || (have && window >> (64 - have) != (1u << have) - 1))
		return -1;
	return (long)used;
}
