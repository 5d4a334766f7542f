// What a Go application does with PostgreSQL. SPDX-License-Identifier: Apache-2.0
package main

import (
	"context"
	"log"
	"os"

	"github.com/jackc/pgx/v5"
)

var ctx = context.Background()

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func count(rows pgx.Rows, err error) int {
	must(err)
	n := 0
	for rows.Next() {
		n++
	}
	rows.Close()
	return n
}

func expect(want, got int) {
	if want != got {
		log.Fatalf("expected %d, got %d", want, got)
	}
}

func main() {
	db, err := pgx.Connect(ctx, os.Args[1])
	must(err)
	_, err = db.Exec(ctx, "drop table if exists gox; create table gox (n int primary key, s text)", pgx.QueryExecModeSimpleProtocol)
	must(err)
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec,
		pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol} {
		for n := 0; n < 8; n++ {
			rows, err := db.Query(ctx, "select generate_series(1, $1::int)", mode, n)
			expect(n, count(rows, err))
		}
	}
	batch := &pgx.Batch{}
	for n := 0; n < 20; n++ {
		batch.Queue("insert into gox values ($1, $2)", n, "row")
	}
	must(db.SendBatch(ctx, batch).Close())
	failing := &pgx.Batch{}
	failing.Queue("select 1")
	failing.Queue("select 1 / $1::int", 0)
	failing.Queue("select 3")
	failing.Queue("select 4")
	if db.SendBatch(ctx, failing).Close() == nil {
		log.Fatal("no error")
	}
	if _, err = db.Exec(ctx, "select * from nothing"); err == nil {
		log.Fatal("no error")
	}
	copied, err := db.CopyFrom(ctx, pgx.Identifier{"gox"}, []string{"n", "s"}, pgx.CopyFromRows([][]any{{100, "a"}, {101, "b"}}))
	must(err)
	expect(2, int(copied))
	tx, err := db.Begin(ctx)
	must(err)
	rows, err := tx.Query(ctx, "select * from gox")
	expect(22, count(rows, err))
	must(tx.Rollback(ctx))
	must(db.Close(ctx))
}
