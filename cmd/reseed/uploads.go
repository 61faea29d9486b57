package main

import (
	"context"
	"strings"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/line"
)

// lookEvery is how often the local object folder is searched for new uploads.
// A file counts once it has stayed the same from one look to the next: it may still be being copied.
const lookEvery = 2 * time.Second

// watchUploads imports files that people put into the uploads folder, as an
// event of the bucket does on AWS. A file that is replaced later is imported again.
func (a *app) watchUploads(ctx context.Context) {
	seen := map[string]string{}     // key → version at the last look
	ingested := map[string]string{} // key → version that was handed on
	a.queue.every(ctx, lookEvery, func(ctx context.Context) error {
		for info, err := range a.Objects.List(ctx, "uploads/") {
			if fault.KindOf(err) == fault.NotFound && err != nil { // somebody removes files: at the next look
				return nil
			}
			if err != nil {
				return err
			}
			if posted(info.Key) {
				continue
			}
			now, err := a.Objects.Stat(ctx, info.Key)
			if err != nil {
				continue // gone again
			}
			settled := seen[info.Key] == now.Version
			seen[info.Key] = now.Version
			if !settled || ingested[info.Key] == now.Version {
				continue
			}
			if err := a.Ingest(ctx, line.Upload{Key: info.Key, Version: now.Version, Once: "upload " + info.Key + " " + now.Version}); err != nil {
				a.Log.Error("an upload could not be imported", "error", err.Error())
			}
			ingested[info.Key] = now.Version
		}
		return nil
	})
}

// posted tells whether an object came by POST: those lie one folder deeper,
// and have their job already.
func posted(key string) bool { return strings.Count(key, "/") != 2 }
