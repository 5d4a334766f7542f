// Command client speaks through the Go driver and prints what its command monitor saw, a line of JSON a command.
//
//	client ADDRESS:PORT [WORKERS ROUNDS]
package main

import (
	"context"
	"encoding/json"
	"log"
	"os"
	"strconv"
	"sync"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/event"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
)

type line struct {
	ID      int64   `json:"id"`
	Command string  `json:"command"`
	DB      string  `json:"db"`
	OK      float64 `json:"ok"`
}

func round(ctx context.Context, c *mongo.Client, worker, n int) {
	items := c.Database("go").Collection("items" + strconv.Itoa(worker))
	id := worker*1000000 + n
	items.InsertOne(ctx, bson.D{{Key: "_id", Value: id}, {Key: "name", Value: "item"}, {Key: "n", Value: int64(n)}})
	items.InsertOne(ctx, bson.D{{Key: "_id", Value: id}})
	var found bson.D
	items.FindOne(ctx, bson.D{{Key: "_id", Value: id}}).Decode(&found)
	cursor, err := items.Find(ctx, bson.D{}, options.Find().SetBatchSize(3).SetLimit(10))
	if err == nil {
		var all []bson.D
		cursor.All(ctx, &all)
	}
	items.UpdateOne(ctx, bson.D{{Key: "_id", Value: id}}, bson.D{{Key: "$set", Value: bson.D{{Key: "name", Value: "other"}}}})
	items.CountDocuments(ctx, bson.D{})
	c.Database("go").RunCommand(ctx, bson.D{{Key: "nosuchcommand", Value: 1}})
	items.DeleteMany(ctx, bson.D{{Key: "n", Value: bson.D{{Key: "$lt", Value: n - 20}}}})
}

func main() {
	workers, rounds := 2, 5
	if len(os.Args) > 3 {
		workers, _ = strconv.Atoi(os.Args[2])
		rounds, _ = strconv.Atoi(os.Args[3])
	}
	out := json.NewEncoder(os.Stdout)
	var lock sync.Mutex
	names := map[int64]string{}
	end := func(id int64, command string, ok float64) {
		lock.Lock()
		defer lock.Unlock()
		out.Encode(line{id, command, names[id], ok})
	}
	monitor := &event.CommandMonitor{
		Started: func(_ context.Context, e *event.CommandStartedEvent) {
			lock.Lock()
			names[e.RequestID] = e.DatabaseName
			lock.Unlock()
		},
		Succeeded: func(_ context.Context, e *event.CommandSucceededEvent) { end(e.RequestID, e.CommandName, 1) },
		Failed:    func(_ context.Context, e *event.CommandFailedEvent) { end(e.RequestID, e.CommandName, 0) },
	}
	ctx := context.Background()
	client, err := mongo.Connect(ctx, options.Client().ApplyURI("mongodb://"+os.Args[1]).SetMonitor(monitor))
	if err != nil {
		log.Fatal(err)
	}
	var group sync.WaitGroup
	for w := 0; w < workers; w++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for n := 0; n < rounds; n++ {
				round(ctx, client, w, n)
			}
		}()
	}
	group.Wait()
	client.Disconnect(ctx)
}
