package dynamo_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"reseed/pkg/mover"
	"reseed/pkg/objects"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/dynamo"
	"reseed/pkg/table/mem"
	"reseed/pkg/table/pebble"
)

// BenchmarkMove compares items per CPU second: of the apply of an import, from its records to the
// service, and of the copy of a move, which reads the same customers from a data folder.
func BenchmarkMove(b *testing.B) {
	file := customersFile(b)
	compare(b, benchRows, benchRows, func(b *testing.B, s service) (plain, ours func() error) {
		b.Helper()
		in, from := newImport(b, file), benchFolder(b)
		return func() error { return in.write(b.Context()) }, func() error {
			before := s.items(b)
			err := copyOnce(b, from)
			if got := s.items(b) - before; err == nil && got != benchRows {
				err = fmt.Errorf("%d items arrived, want %d", got, benchRows)
			}
			return err
		}
	})
}

// benchFolder is a data folder with the customers.
func benchFolder(b *testing.B) mover.End {
	b.Helper()
	d, err := pebble.Open(b.TempDir(), pebble.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { d.Close() })
	st := store.New(d)
	dir, err := st.ChangeDirectory(b.Context(), func(d *store.Directory) ([]table.Write, error) {
		_, err := d.Add("ds_bench", "Bench", "CSV", time.Now())
		return nil, err
	})
	if err != nil {
		b.Fatal(err)
	}
	if err := st.Write(b.Context(), customers(b, dir)); err != nil {
		b.Fatal(err)
	}
	return mover.End{Store: st, Objects: objects.Mem(), Name: "folder"}
}

// customers are items like those that an import makes of the file.
func customers(b *testing.B, dir *store.Directory) []table.Write {
	b.Helper()
	sp, list := dir.Sources[0].Space(), make([]table.Write, benchRows)
	for i := range list {
		h := dir.Hasher().CustomerH(fmt.Sprint("cus-", i))
		list[i].Item = table.Item{Key: sp.Customer(h), Attrs: table.NewBuilder().Int(store.AttrCreated, benchAt).Int(store.AttrUpdated, benchAt).
			Str("city", "Amsterdam").Str("company", fmt.Sprint("Company ", i)).Str("country", "NL").Str("email", fmt.Sprintf("person%d@example.com", i)).
			Str("external_id", fmt.Sprint("cus-", i)).Int("lead_created_at", benchAt).Str("name", fmt.Sprint("Person ", i)).Str("zip", "1234 AB").Attrs()}
	}
	return list
}

// copyOnce copies the items to the service, and then cancels the move.
func copyOnce(b *testing.B, from mover.End) error {
	b.Helper()
	client, err := newClient(b.Context())
	if err != nil {
		return err
	}
	to := &writesElsewhere{Driver: mem.New(mem.Options{}), elsewhere: dynamo.New(client, "t")}
	ctx, stop := context.WithCancel(b.Context())
	defer stop()
	_, err = mover.Move(ctx, mover.Config{
		From: from, To: mover.End{Store: store.New(to), Objects: objects.Mem(), Name: "service"}, Now: time.Now,
		Report: func(p mover.Progress) {
			if p.Stage == mover.Objects {
				stop()
			}
		},
	})
	if ctx.Err() == nil {
		return err
	}
	return mover.Cancel(b.Context(), from.Store)
}
