// The service of grpc.md as a server and as a client, with google.golang.org/grpc and no generated code.
// usage: grpcpeer server PORT | client PORT CALLS            SPDX-License-Identifier: Apache-2.0
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

const service = "/shop.v1.Cart/"

type raw struct{} // messages are bytes

func (raw) Name() string { return "raw" }
func (raw) Marshal(v any) ([]byte, error) {
	return *v.(*[]byte), nil
}
func (raw) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = append([]byte(nil), data...)
	return nil
}

type call struct {
	Path    string `json:"path"`
	Status  int    `json:"status"`
	Message string `json:"message"`
	Sent    []int  `json:"sent"`
	Got     []int  `json:"got"`
	Outcome string `json:"outcome"`
	Gzip    bool   `json:"gzip"`
}

var (
	lock  sync.Mutex
	calls []call
)

func note(c call) {
	lock.Lock()
	defer lock.Unlock()
	calls = append(calls, c)
}

func tell() {
	for _, c := range calls {
		line, _ := json.Marshal(c)
		fmt.Println(string(line))
	}
}

func filled(b byte, n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = b
	}
	return out
}

// server

func behave(method string, s grpc.ServerStream, receive func() ([]byte, error), send func([]byte)) error {
	first := func() []byte { b, _ := receive(); return b }
	switch method {
	case "Add":
		send(filled('r', len(first())))
	case "Fail":
		first()
		return status.Error(codes.NotFound, "no such thing: 100% \u20ac\n")
	case "Slow":
		first()
		<-s.Context().Done()
	case "List", "Break":
		first()
		for i := 0; i < 10; i++ {
			if method == "Break" && i == 3 {
				return status.Error(codes.Aborted, "half way")
			}
			send(filled('i', i*i))
		}
	case "Endless":
		first()
		for s.Context().Err() == nil {
			send([]byte("tick"))
			time.Sleep(10 * time.Millisecond)
		}
	case "Collect":
		n := 0
		for {
			if _, err := receive(); err != nil {
				break
			}
			n++
		}
		send(filled('c', n))
	case "Chat":
		for {
			b, err := receive()
			if err != nil {
				break
			}
			send(append(b, b...))
		}
	default:
		return status.Error(codes.Unimplemented, "unknown method "+method)
	}
	return nil
}

func handle(_ any, s grpc.ServerStream) error {
	path, _ := grpc.MethodFromServerStream(s)
	c := call{Path: path, Sent: []int{}, Got: []int{}}
	receive := func() ([]byte, error) {
		var b []byte
		err := s.RecvMsg(&b)
		if err == nil {
			c.Got = append(c.Got, len(b))
		}
		return b, err
	}
	send := func(b []byte) {
		if s.SendMsg(&b) == nil {
			c.Sent = append(c.Sent, len(b))
		}
	}
	s.SetTrailer(metadata.Pairs("x-cost", "7"))
	err := behave(path[len(service):], s, receive, send)
	c.Status, c.Message = int(status.Code(err)), status.Convert(err).Message()
	note(c)
	return err
}

func serve(port string) {
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		panic(err)
	}
	server := grpc.NewServer(grpc.UnknownServiceHandler(handle), grpc.ForceServerCodec(raw{}))
	go server.Serve(listener)
	io.Copy(io.Discard, os.Stdin)
	server.Stop()
	tell()
}

// client

func ask(conn *grpc.ClientConn, ctx context.Context, method string, requests [][]byte, cancelAfter int, cancel func(), options ...grpc.CallOption) call {
	ctx = metadata.AppendToOutgoingContext(ctx, "x-client", "go")
	c := call{Path: service + method, Sent: []int{}, Got: []int{}}
	s, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, service+method, options...)
	for _, b := range requests {
		if err != nil {
			break
		}
		if err = s.SendMsg(&b); err == nil {
			c.Sent = append(c.Sent, len(b))
		}
	}
	if err == nil || err == io.EOF {
		s.CloseSend()
		for err = nil; err == nil; {
			var b []byte
			if err = s.RecvMsg(&b); err == nil {
				c.Got = append(c.Got, len(b))
				if cancel != nil && len(c.Got) == cancelAfter {
					cancel()
				}
			}
		}
	}
	if err != io.EOF {
		c.Status, c.Message = int(status.Code(err)), status.Convert(err).Message()
	}
	return c
}

func talk(port string, many int) {
	conn, err := grpc.NewClient("127.0.0.1:"+port, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{})))
	if err != nil {
		panic(err)
	}
	background := context.Background()
	one := func(method string, requests ...[]byte) { note(ask(conn, background, method, requests, 0, nil)) }
	one("Add", filled('a', 12))
	one("Fail", []byte("x"))
	one("Nothing", []byte("x"))
	zipped := ask(conn, background, "Add", [][]byte{filled('b', 5000)}, 0, nil, grpc.UseCompressor(gzip.Name))
	zipped.Gzip = true
	note(zipped)
	one("List", []byte("abc"))
	one("Break", []byte("abc"))
	var parts [][]byte
	for i := 0; i < 7; i++ {
		parts = append(parts, filled('m', i))
	}
	one("Collect", parts...)
	one("Chat", []byte("1"), []byte("22"), []byte("333"))
	one("Add", filled('B', 300000))
	soon, cancel := context.WithTimeout(background, 300*time.Millisecond)
	slow := ask(conn, soon, "Slow", [][]byte{[]byte("x")}, 0, nil)
	cancel()
	slow.Outcome = "ended"
	note(slow)
	whenever, cancel := context.WithCancel(background)
	endless := ask(conn, whenever, "Endless", [][]byte{[]byte("go")}, 3, cancel)
	endless.Outcome = "ended"
	note(endless)
	var all sync.WaitGroup
	for worker := 0; worker < 8; worker++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for i := worker; i < many; i += 8 {
				one("Add", filled('p', i%100))
			}
		}()
	}
	all.Wait()
	conn.Close()
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
