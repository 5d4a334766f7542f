// What a Go application does with RabbitMQ through amqp091-go.
// usage: amqppeer PORT MESSAGES; prints each exchange it knows of as a line of JSON, as the Java peer does. SPDX-License-Identifier: Apache-2.0
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"

	amqp "github.com/rabbitmq/amqp091-go"
)

type fields map[string]any

var lines []fields

func note(who, method, outcome string, answer any, more fields) {
	line := fields{"who": who, "method": method, "outcome": outcome, "answer": answer}
	for k, v := range more {
		line[k] = v
	}
	lines = append(lines, line)
}

func asked(err error, method, answer string, more fields) {
	if err != nil {
		panic(fmt.Sprint(method, ": ", err))
	}
	note("client", method, "answered", answer, more)
}

func channel(connection *amqp.Connection) *amqp.Channel {
	c, err := connection.Channel()
	asked(err, "Channel.Open", "Open-Ok", nil)
	return c
}

func publish(c *amqp.Channel, exchange, key string, size int, id string, confirmed bool) {
	more := fields{"exchange": exchange, "key": key, "size": size, "id": id}
	m := amqp.Publishing{MessageId: id, Body: make([]byte, size)}
	wait, err := c.PublishWithDeferredConfirmWithContext(context.Background(), exchange, key, false, false, m)
	if err != nil {
		panic(err)
	}
	if !confirmed {
		note("client", "Basic.Publish", "oneway", nil, more)
		return
	}
	if !wait.Wait() {
		panic("not confirmed")
	}
	note("client", "Basic.Publish", "answered", "Ack", more)
}

func consume(connection *amqp.Connection, want int) {
	c := channel(connection)
	asked(c.Qos(want, 0, false), "Basic.Qos", "Qos-Ok", nil)
	deliveries, err := c.Consume("go.q", "me", false, false, false, false, nil)
	asked(err, "Basic.Consume", "Consume-Ok", fields{"queue": "go.q"})
	held := []uint64{}
	settled := func(answer string, last uint64, only bool) {
		left := []uint64{}
		for _, t := range held {
			if t == last || t < last && !only {
				note("server", "Basic.Deliver", "answered", answer, fields{"queue": "go.q", "tag": t})
			} else {
				left = append(left, t)
			}
		}
		held = left
	}
	for d := range deliveries {
		held = append(held, d.DeliveryTag)
		last := d.DeliveryTag == uint64(want)
		switch {
		case last || d.DeliveryTag%7 == 0:
			d.Ack(true)
			settled("Ack", d.DeliveryTag, false)
		case d.DeliveryTag%5 == 0:
			d.Reject(false)
			settled("Reject", d.DeliveryTag, true)
		case d.DeliveryTag%11 == 0:
			d.Nack(true, false)
			settled("Nack", d.DeliveryTag, false)
		}
		if last {
			break
		}
	}
	asked(c.Cancel("me", false), "Basic.Cancel", "Cancel-Ok", nil)
	asked(c.Close(), "Channel.Close", "Close-Ok", nil)
}

func refused(connection *amqp.Connection) {
	c := channel(connection)
	if _, err := c.QueueDeclarePassive("go.missing", false, false, false, false, nil); err == nil {
		panic("there is such a queue")
	}
	asked(nil, "Queue.Declare", "Close", fields{"queue": "go.missing", "error": "NOT_FOUND"})
	note("server", "Channel.Close", "answered", "Close-Ok", fields{"error": "NOT_FOUND"})
}

func main() {
	n, _ := strconv.Atoi(os.Args[2])
	connection, err := amqp.Dial("amqp://guest:guest@127.0.0.1:" + os.Args[1] + "/")
	if err != nil {
		panic(err)
	}
	note("server", "Connection.Start", "answered", "Start-Ok", nil)
	note("server", "Connection.Tune", "answered", "Tune-Ok", nil)
	note("client", "Connection.Open", "answered", "Open-Ok", nil)
	c := channel(connection)
	_, err = c.QueueDeclare("go.q", false, false, false, false, nil)
	asked(err, "Queue.Declare", "Declare-Ok", fields{"queue": "go.q"})
	asked(c.ExchangeDeclare("go.logs", "fanout", false, false, false, false, nil), "Exchange.Declare", "Declare-Ok", fields{"exchange": "go.logs"})
	asked(c.QueueBind("go.q", "k", "go.logs", false, nil), "Queue.Bind", "Bind-Ok", fields{"exchange": "go.logs", "queue": "go.q", "key": "k"})
	for i := 0; i < n; i++ {
		publish(c, "go.logs", "k", i, "g"+strconv.Itoa(i), false)
	}
	asked(c.Confirm(false), "Confirm.Select", "Select-Ok", nil)
	for i := n; i < 2*n; i++ {
		publish(c, "", "go.q", 100*(i%200), "g"+strconv.Itoa(i), true)
	}
	publish(c, "", "go.q", 400000, "big", true)
	consume(connection, 2*n+1)
	_, _, err = c.Get("go.q", true)
	asked(err, "Basic.Get", "Get-Empty", fields{"queue": "go.q"})
	_, err = c.QueuePurge("go.q", false)
	asked(err, "Queue.Purge", "Purge-Ok", fields{"queue": "go.q"})
	refused(connection)
	_, err = c.QueueDelete("go.q", false, false, false)
	asked(err, "Queue.Delete", "Delete-Ok", fields{"queue": "go.q"})
	asked(c.Close(), "Channel.Close", "Close-Ok", nil)
	asked(connection.Close(), "Connection.Close", "Close-Ok", nil)
	for _, line := range lines {
		text, _ := json.Marshal(line)
		fmt.Println(string(text))
	}
}
