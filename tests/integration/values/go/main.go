// Gives a prepared statement values of many types, as Go applications do. usage: mysql|pgx DSN. SPDX-License-Identifier: Apache-2.0
package main

import (
	"context"
	"database/sql"
	"log"
	"os"
	"time"

	_ "github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
)

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

var at = time.Date(2024, 12, 31, 23, 59, 58, 123456000, time.UTC)

func mysql(dsn string) {
	db, err := sql.Open("mysql", dsn)
	must(err)
	p, err := db.Prepare("select 'values', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?")
	must(err)
	for i := 0; i < 3; i++ {
		rows, err := p.Query(-7-i, int64(9223372036854775807), uint64(18446744073709551615), 0.1, "it's ä €", "", []byte{0, 0xff, 1}, at, true, nil)
		must(err)
		must(rows.Close())
	}
	must(p.Close())
	must(db.Close())
}

func postgres(dsn string) {
	ctx := context.Background()
	db, err := pgx.Connect(ctx, dsn)
	must(err)
	for i := 0; i < 3; i++ {
		rows, err := db.Query(ctx, "select 'values', $1::int4, $2::int8, $3::float4, $4::float8, $5::text, $6::text, $7::bytea, $8::timestamptz, $9::bool, $10::int4,"+
			" $11::numeric, $12::uuid, $13::jsonb, $14::date", -7-i, int64(9223372036854775807), float32(0.1), 0.1, "it's ä €", "", []byte{0, 0xff, 1}, at, true, nil,
			"-12345.6700", "12345678-9abc-def0-1234-56789abcdef0", `{"a": 1}`, at)
		must(err)
		rows.Close()
		must(rows.Err())
	}
	must(db.Close(ctx))
}

func main() {
	if os.Args[1] == "mysql" {
		mysql(os.Args[2])
	} else {
		postgres(os.Args[2])
	}
}
