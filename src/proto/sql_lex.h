/* The words of SQL, in both dialects: what literals, names, comments and parameters are, and the few words that mean something to
 * sql.c. Borrows the text; owns nothing. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_SQL_LEX_H
#define PACKETD_PROTO_SQL_LEX_H

#include "proto/sql.h"

#define SQL_WORD_MAX 18 /* longest word that means something here */

enum sql_token_kind { T_END, T_SPACE, T_COMMENT, T_WORD, T_QUOTED, T_STRING, T_NUMBER, T_PARAM, T_VARIABLE, T_PUNCT };

struct sql_token {
	u8 kind;    /* enum sql_token_kind */
	u8 c;       /* first byte */
	u8 word;    /* enum sql_word of a T_WORD */
	bool opens; /* T_WORD: an operand comes behind it, so "(" is none of a call and a sign none of a subtraction; T_PUNCT: it is "::" */
	u32 from, to;
};

struct sql_lexer {
	const u8 *p;
	u32 n, at;
	u8 dialect;
	u8 before;      /* kind of the token that ends at `at` */
	bool executes;  /* within a comment that MySQL executes */
};

/* Words that mean something here. */
enum sql_word {
	W_NONE, W_ACCOUNT, W_ALTER, W_ARRAY, W_AS, W_BY, W_CALL, W_CHANGE, W_CLONE, W_CONNECTION, W_COPY, W_CREATE, W_DECLARE,
	W_DEFAULT, W_DELETE, W_DESCRIBE, W_DO, W_DROP, W_EXECUTE, W_EXPLAIN, W_FALSE, W_FOR, W_FROM, W_GRANT, W_IDENTIFIED, W_IN, W_INSERT,
	W_INTO, W_IS, W_KEYED, W_LOAD, W_LOCK, W_MERGE, W_NOT, W_NULL, W_ON, W_PREPARE, W_REPLACE, W_REQUIRE, W_ROW, W_SELECT, W_SET,
	W_SKIPPED, W_START, W_TABLE, W_TO, W_TRUE, W_TRUNCATE, W_UPDATE, W_VALUES, W_VIA, W_WITH,
};

enum sql_class { C_SPACE = 1, C_DIGIT = 2, C_LETTER = 4, C_OPERATOR = 8 };

extern const u8 sql_classes[256];

/* Classes of a byte: enum sql_class bits, 0 for what stands for itself. */
static inline u8 sql_class_of(u8 c)
{
	return sql_classes[c];
}

static inline u8 sql_lower(u8 c)
{
	return c >= 'A' && c <= 'Z' ? (u8)(c + ('a' - 'A')) : c;
}

/* Behind the quotation that begins at `at`: doubled quotes, and where `escapes` a backslash, do not end it; n when it does not end. */
u32 sql_quoted_end(const u8 *p, u32 n, u32 at, bool escapes);

/* The next one; T_END at the end of the text. */
void sql_token_read(struct sql_lexer *l, struct sql_token *t);

#endif
