package api

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"reseed/pkg/eraser"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/table"
)

// The shapes of package wire have the same JSON as the stored shapes, byte for byte: clients of
// older versions got those.
func TestWireShapesAreSpelledAsTheStoredOnes(t *testing.T) {
	t.Parallel()
	var (
		progress job.Progress
		counts   job.Counts
		estimate job.Estimate
		cost     table.Cost
		plan     eraser.Plan
		receipt  eraser.Receipt
		change   importer.Change
	)
	for _, filled := range []bool{false, true} {
		if filled {
			for _, v := range []any{&progress, &counts, &estimate, &cost, &plan, &receipt, &change} {
				fill(reflect.ValueOf(v).Elem())
			}
		}
		j := wireOfJob(&job.Job{
			Progress: progress, Cost: cost, Datasets: map[string]job.Counts{"customers": counts}, Import: &job.ImportSpec{Estimate: &estimate},
		})
		same(t, j.Progress, progress)
		same(t, j.Cost, cost)
		same(t, j.Datasets["customers"], counts)
		same(t, j.Import.Estimate, estimate)
		same(t, wireOfPlan(&plan), plan)
		same(t, wireOfReceipt(receipt), receipt)
		same(t, wireOfChange(change), change)
	}
}

func same(t *testing.T, wire, stored any) {
	t.Helper()
	got, err := json.Marshal(wire)
	want, err2 := json.Marshal(stored)
	if err != nil || err2 != nil || string(got) != string(want) {
		t.Errorf("%T: %v %v\ngot  %s\nwant %s", stored, err, err2, got, want)
	}
}

// fill sets every field of a struct to a different value.
func fill(v reflect.Value) {
	n := 0
	var set func(reflect.Value)
	set = func(v reflect.Value) {
		n++
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(int64(n), 0).UTC()))
			return
		}
		switch v.Kind() { //nolint:exhaustive // these shapes have no others
		case reflect.Struct:
			for _, f := range v.Fields() {
				set(f)
			}
		case reflect.Array:
			for i := range v.Len() {
				set(v.Index(i))
			}
		case reflect.Slice:
			v.Set(reflect.MakeSlice(v.Type(), 2, 2))
			set(v.Index(0))
			set(v.Index(1))
		case reflect.Map:
			v.Set(reflect.MakeMap(v.Type()))
			one := reflect.New(v.Type().Elem()).Elem()
			set(one)
			v.SetMapIndex(reflect.ValueOf("key").Convert(v.Type().Key()), one)
		case reflect.Interface:
			v.Set(reflect.ValueOf("any"))
		case reflect.String:
			v.SetString("text " + string(rune('a'+n%26)))
		case reflect.Bool:
			v.SetBool(true)
		case reflect.Int, reflect.Int64:
			v.SetInt(int64(n))
		case reflect.Uint64:
			v.SetUint(uint64(n))
		case reflect.Float64:
			v.SetFloat(float64(n) / 2)
		}
	}
	set(v)
}
