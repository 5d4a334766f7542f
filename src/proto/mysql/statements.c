#include "proto/mysql/statements.h"

#include <stdatomic.h>
#include <stdlib.h>

#define BUCKETS 64

struct mysql_statements {
	u32 n;
	u64 uses;
	struct mysql_statement *bucket[BUCKETS];
};

static _Atomic u64 bytes_taken; /* of all connections */

/* Allocates within the limit of the program; NULL past it. */
static void *take(size_t bytes)
{
	u64 before = atomic_fetch_add(&bytes_taken, bytes);
	void *p = before + bytes <= MYSQL_STATEMENT_BYTES ? calloc(1, bytes) : NULL;
	if (!p)
		atomic_fetch_sub(&bytes_taken, bytes);
	return p;
}

static void give(void *p, size_t bytes)
{
	free(p);
	atomic_fetch_sub(&bytes_taken, bytes);
}

static struct mysql_statement **place(struct mysql_statements *all, u32 id)
{
	struct mysql_statement **at = &all->bucket[id % BUCKETS];
	while (*at && (*at)->id != id)
		at = &(*at)->next;
	return at;
}

static void drop(struct mysql_statements *all, struct mysql_statement **at)
{
	struct mysql_statement *statement = *at;
	if (!statement)
		return;
	*at = statement->next;
	give(statement, statement->bytes);
	all->n--;
}

static void drop_oldest(struct mysql_statements *all)
{
	struct mysql_statement **oldest = NULL;
	for (u32 i = 0; i < BUCKETS; i++)
		for (struct mysql_statement **at = &all->bucket[i]; *at; at = &(*at)->next)
			if (!oldest || (*at)->used < (*oldest)->used)
				oldest = at;
	if (oldest)
		drop(all, oldest);
}

static struct str keep(char **to, struct str s)
{
	if (s.n)
		memcpy(*to, s.p, s.n);
	struct str kept = str_make(*to, s.n);
	*to += s.n;
	return kept;
}

void mysql_statement_add(struct mysql_state *s, u32 id, u32 params, const struct sql *sql)
{
	if (!s->statements)
		s->statements = take(sizeof(*s->statements));
	struct mysql_statements *all = s->statements;
	if (!all) {
		s->missed = true;
		return;
	}
	drop(all, place(all, id));
	if (all->n >= MYSQL_STATEMENTS_MAX) {
		drop_oldest(all);
		s->missed = true;
	}
	size_t texts = (size_t)sql->statement.n + sql->redacted.n + sql->fingerprint.n + sql->operation.n + sql->table.n + sql->summary.n;
	struct mysql_statement *statement = take(sizeof(*statement) + texts);
	if (!statement) {
		s->missed = true;
		return;
	}
	char *to = (char *)(statement + 1);
	statement->sql = (struct sql){ keep(&to, sql->statement), keep(&to, sql->redacted), keep(&to, sql->fingerprint), keep(&to, sql->operation),
				       keep(&to, sql->table), keep(&to, sql->summary), sql->masked, sql->secret_values, sql->parameters };
	statement->id = id;
	statement->params = params;
	statement->bytes = (u32)(sizeof(*statement) + texts);
	statement->used = ++all->uses;
	statement->next = all->bucket[id % BUCKETS];
	all->bucket[id % BUCKETS] = statement;
	all->n++;
}

struct mysql_statement *mysql_statement_find(struct mysql_state *s, u32 id)
{
	struct mysql_statement *found = s->statements ? *place(s->statements, id) : NULL;
	if (found)
		found->used = ++s->statements->uses;
	return found;
}

void mysql_statement_remove(struct mysql_state *s, u32 id)
{
	if (s->statements)
		drop(s->statements, place(s->statements, id));
}

void mysql_statements_doubt(struct mysql_state *s)
{
	for (u32 i = 0; s->statements && i < BUCKETS; i++)
		for (struct mysql_statement *at = s->statements->bucket[i]; at; at = at->next)
			at->doubtful = true;
}

void mysql_statements_free(struct mysql_state *s)
{
	struct mysql_statements *all = s->statements;
	if (!all)
		return;
	for (u32 i = 0; i < BUCKETS; i++)
		while (all->bucket[i])
			drop(all, &all->bucket[i]);
	give(all, sizeof(*all));
	s->statements = NULL;
}

struct sql mysql_sql_copy(struct arena *a, const struct sql *from)
{
	return (struct sql){ arena_str(a, from->statement.p, from->statement.n), arena_str(a, from->redacted.p, from->redacted.n),
			     arena_str(a, from->fingerprint.p, from->fingerprint.n), arena_str(a, from->operation.p, from->operation.n),
			     arena_str(a, from->table.p, from->table.n), arena_str(a, from->summary.p, from->summary.n), from->masked, from->secret_values, from->parameters };
}
