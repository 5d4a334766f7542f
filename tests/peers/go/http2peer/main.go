// Go's HTTP/2 (net/http, in clear text, with golang.org/x/net's h2c for Upgrade) as a server and as a client.
// usage: http2peer server PORT | client PORT STREAMS            SPDX-License-Identifier: Apache-2.0
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/h2c"
)

type exchange struct {
	Method  string `json:"method"`
	Path    string `json:"path"`
	Status  int    `json:"status"`
	Sent    int    `json:"sent"`
	Size    int    `json:"size"`
	Outcome string `json:"outcome"`
}

var (
	lock sync.Mutex
	seen []exchange
)

func note(e exchange) {
	lock.Lock()
	defer lock.Unlock()
	seen = append(seen, e)
}

func tell() {
	for _, e := range seen {
		line, _ := json.Marshal(e)
		fmt.Println(string(line))
	}
}

func answer(w http.ResponseWriter, r *http.Request) {
	got, _ := io.Copy(io.Discard, r.Body)
	e := exchange{r.Method, r.URL.RequestURI(), 200, int(got), 0, "answered"}
	var n int
	fmt.Sscan(r.URL.Query().Get("size"), &n)
	w.Header().Set("X-Item", r.URL.RequestURI())
	switch r.URL.Path {
	case "/trailers":
		w.Header().Set("Trailer", "X-Sum")
		e.Size, _ = w.Write([]byte("with trailers"))
		w.Header().Set("X-Sum", "7")
	case "/empty":
		e.Status = 204
		w.WriteHeader(204)
	case "/moved":
		e.Status = 301
		w.Header().Set("Location", "/")
		w.WriteHeader(301)
	case "/abort":
		e.Outcome = "reset"
		note(e)
		panic(http.ErrAbortHandler)
	case "/slow":
		w.WriteHeader(200)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		e.Outcome = "reset"
	case "/missing":
		e.Status = 404
		w.WriteHeader(404)
		e.Size, _ = w.Write([]byte(strings.Repeat("y", n)))
	default:
		if r.Method != "HEAD" {
			e.Size, _ = w.Write([]byte(strings.Repeat("y", n)))
		}
	}
	note(e)
}

func serve(port string) {
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		panic(err)
	}
	server := &http.Server{Handler: h2c.NewHandler(http.HandlerFunc(answer), &http2.Server{MaxConcurrentStreams: 1000})}
	go server.Serve(listener)
	io.Copy(io.Discard, os.Stdin)
	server.Close()
	tell()
}

func ask(client *http.Client, base, method, path string, body int) {
	var reader io.Reader
	if body > 0 {
		reader = strings.NewReader(strings.Repeat("b", body))
	}
	request, _ := http.NewRequest(method, base+path, reader)
	response, err := client.Do(request)
	if err != nil {
		note(exchange{method, path, 0, body, 0, "reset"})
		return
	}
	n, _ := io.Copy(io.Discard, response.Body)
	response.Body.Close()
	note(exchange{method, path, response.StatusCode, body, int(n), "answered"})
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
	note(exchange{"GET", "/slow", 200, 0, 0, "reset"})
}

func talk(port string, many int) {
	only := new(http.Protocols)
	only.SetUnencryptedHTTP2(true)
	base := "http://127.0.0.1:" + port
	client := &http.Client{Transport: &http.Transport{Protocols: only, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, path := range []string{"/?size=10", "/trailers", "/empty", "/moved", "/missing?size=3", "/big?size=500000", "/abort"} {
		ask(client, base, "GET", path, 0)
	}
	ask(client, base, "HEAD", "/?size=10", 0)
	ask(client, base, "POST", "/up?size=1", 100000)
	ask(client, base, "DELETE", "/x", 0)
	cancelled(client, base)
	var all sync.WaitGroup
	for worker := 0; worker < 50; worker++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for i := worker; i < many; i += 50 {
				ask(client, base, "GET", fmt.Sprintf("/many/%d?size=%d", i, i%50), 0)
			}
		}()
	}
	all.Wait()
	client.CloseIdleConnections()
	tell()
}

func main() {
	if os.Args[1] == "server" {
		serve(os.Args[2])
		return
	}
	many, _ := strconv.Atoi(os.Args[3])
	talk(os.Args[2], many)
}
