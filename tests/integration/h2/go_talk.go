// Go's HTTP/2 server and client (net/http, unencrypted) talk on a port of 127.0.0.1; prints what took place, a JSON object a line.
// usage: go run go_talk.go PORT            SPDX-License-Identifier: Apache-2.0
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

type exchange struct {
	Method  string `json:"method"`
	Path    string `json:"path"`
	Status  int    `json:"status"`
	Sent    int    `json:"sent"`
	Size    int    `json:"size"`
	Outcome string `json:"outcome"`
	Reset   string `json:"reset,omitempty"`
}

var (
	lock sync.Mutex
	talk []exchange
)

func note(e exchange) {
	lock.Lock()
	defer lock.Unlock()
	talk = append(talk, e)
}

func serve(w http.ResponseWriter, r *http.Request) {
	got, _ := io.Copy(io.Discard, r.Body)
	w.Header().Set("X-Got", fmt.Sprint(got))
	switch r.URL.Path {
	case "/trailer":
		w.Header().Set("Trailer", "X-Sum")
		w.Write([]byte("body"))
		w.Header().Set("X-Sum", "7")
	case "/abort":
		panic(http.ErrAbortHandler)
	case "/slow":
		w.WriteHeader(200)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	default:
		var n int
		fmt.Sscan(r.URL.Query().Get("size"), &n)
		w.Write([]byte(strings.Repeat("y", n)))
	}
}

func ask(client *http.Client, base, method, path string, body int) {
	var reader io.Reader
	if body > 0 {
		reader = strings.NewReader(strings.Repeat("b", body))
	}
	request, _ := http.NewRequest(method, base+path, reader)
	response, err := client.Do(request)
	if err != nil {
		note(exchange{method, path, 0, body, 0, "reset", "INTERNAL_ERROR"})
		return
	}
	n, _ := io.Copy(io.Discard, response.Body)
	response.Body.Close()
	note(exchange{method, path, response.StatusCode, body, int(n), "answered", ""})
}

func cancelled(client *http.Client, base string) {
	ctx, cancel := context.WithCancel(context.Background())
	request, _ := http.NewRequestWithContext(ctx, "GET", base+"/slow", nil)
	response, err := client.Do(request)
	if err != nil {
		panic(err)
	}
	cancel()
	io.Copy(io.Discard, response.Body)
	response.Body.Close()
	time.Sleep(200 * time.Millisecond)
	note(exchange{"GET", "/slow", 200, 0, 0, "reset", "CANCEL"})
}

func main() {
	only := new(http.Protocols)
	only.SetUnencryptedHTTP2(true)
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		panic(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(serve), Protocols: only}
	go server.Serve(listener)
	base := "http://127.0.0.1:" + os.Args[1]
	client := &http.Client{Transport: &http.Transport{Protocols: only, DisableCompression: true}}
	ask(client, base, "GET", "/?size=10", 0)
	ask(client, base, "POST", "/up", 100000)
	ask(client, base, "GET", "/trailer", 0)
	ask(client, base, "DELETE", "/x", 0)
	ask(client, base, "GET", "/abort", 0)
	ask(client, base, "GET", "/big?size=500000", 0)
	cancelled(client, base)
	var all sync.WaitGroup
	for worker := 0; worker < 50; worker++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for i := 0; i < 40; i++ {
				ask(client, base, "GET", fmt.Sprintf("/many/%d?size=%d", worker, i), 0)
			}
		}()
	}
	all.Wait()
	server.Shutdown(context.Background())
	for _, e := range talk {
		line, _ := json.Marshal(e)
		fmt.Println(string(line))
	}
}
