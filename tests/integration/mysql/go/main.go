// What go-sql-driver says to a server: prepared statements, transactions, errors. usage: DSN
package main

import (
	"database/sql"
	"fmt"
	"os"

	_ "github.com/go-sql-driver/mysql"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	db, err := sql.Open("mysql", os.Args[1])
	must(err)
	db.SetMaxOpenConns(1)
	must(db.Ping())
	var n int
	must(db.QueryRow("select count(*) from counter where n > ?", -1).Scan(&n))
	_, err = db.Exec("update counter set n = n + ?", 2)
	must(err)
	rows, err := db.Query("select seq from seq_1_to_12")
	must(err)
	for rows.Next() {
		must(rows.Scan(&n))
	}
	must(rows.Close())
	tx, err := db.Begin()
	must(err)
	_, err = tx.Exec("insert into t (a) values (?)", "go")
	must(err)
	must(tx.Rollback())
	statement, err := db.Prepare("select id, a from t where a <> ? limit 5")
	must(err)
	for i := 0; i < 2; i++ {
		rows, err := statement.Query("x")
		must(err)
		for rows.Next() {
			var s sql.NullString
			must(rows.Scan(&n, &s))
		}
		must(rows.Close())
	}
	must(statement.Close())
	_, err = db.Exec("select * from nothing_go")
	fmt.Println(err)
	must(db.Close())
}
