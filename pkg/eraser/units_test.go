package eraser_test

import (
	"testing"
	"time"

	"reseed/pkg/eraser"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
	"reseed/pkg/table/dynamo"
	"reseed/pkg/table/dynamo/dynotest"
)

// unitItems is so large that the cost of the job itself hardly counts.
const unitItems = 10_000

// The units are what an engine with the API of DynamoDB reports for a plan and a sweep. For an
// import, the plan reads the whole source, the erase reads it once more before the sweep, and the
// sweep reads it again.
func TestUnitsOnDynamoDB(t *testing.T) {
	t.Parallel()
	var engine dynotest.Engine
	if err := engine.Start(t.Context()); err != nil {
		t.Skip("no engine that is compatible with DynamoDB: ", err)
	}
	t.Cleanup(engine.Stop)
	t.Run("source", func(t *testing.T) {
		t.Parallel()
		units(t, store.New(dynamo.New(engine.Table(t))), mostReading, func(source, _ string) eraser.Selection {
			return eraser.Selection{Kind: eraser.Source, Source: source}
		})
	})
	t.Run("import", func(t *testing.T) {
		t.Parallel()
		units(t, store.New(dynamo.New(engine.Table(t))), 2*mostReading, func(_, imported string) eraser.Selection {
			return eraser.Selection{Kind: eraser.Import, Import: imported}
		})
	})
}

func units(t *testing.T, st *store.Store, mostSwept float64, selected func(source, imported string) eraser.Selection) {
	t.Helper()
	src, imported := filled(t, st, unitItems)
	planning := st.Metered()
	e := eraser.New(eraser.Config{Store: planning, Ledger: job.NewLedger(planning, time.Now), Objects: objects.Mem(), Now: time.Now})
	sel := selected(src.UUID, imported)
	p, err := e.Plan(t.Context(), sel, eraser.Options{})
	must(t, err)
	planned := planning.Spent().ReadUnits() / unitItems
	j, err := e.Start(t.Context(), sel, eraser.Options{})
	must(t, err)
	if done, err := e.Sweep(t.Context(), j.ID); !done || err != nil {
		t.Fatal(done, err)
	}
	j, err = job.NewLedger(st, time.Now).Get(t.Context(), j.ID)
	must(t, err)
	writes, reads := j.Cost.WriteUnits()/unitItems, j.Cost.ReadUnits()/unitItems
	t.Logf("plan %.4f read units an item; sweep %.4f write and %.4f read units", planned, writes, reads)
	if p.Total() != unitItems || j.Erase.Removed["customers"] != unitItems {
		t.Errorf("planned %d, removed %d", p.Total(), j.Erase.Removed["customers"])
	}
	if planned > mostReading || writes > mostUnits || reads > mostSwept {
		t.Error("that is more than it should be")
	}
}
