package system_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"reseed/pkg/source/system"
)

// Whatever the order in which objects are added: they are kept by id, one version of each, and decoded once.
func TestKept(t *testing.T) {
	t.Parallel()
	type thing struct {
		N int `json:"n"`
	}
	type object struct{ parent, id, text string }
	all := []object{{"", "b", `{"n":2}`}, {"", "a", `{"n":1}`}, {"", "a", `{"n":3}`}, {"", "a", `{"n":3}`}, {"p", "a", `{"n":"x"}`}, {"", "c", `{"n":4}`}}
	for seed := range uint64(20) {
		rand.New(rand.NewPCG(seed, 1)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		k := system.Kept{}
		for i, o := range all {
			k.Add("things", o.parent, o.id, json.RawMessage(o.text))
			if i == 2 { // what comes later counts as well
				_ = k.Len()
			}
		}
		var got []string
		for id, o := range k.Of("things", "") {
			got = append(got, id+string(o))
		}
		for range 2 {
			for _, parent := range []string{"", "p"} {
				for d := range system.DecodedOf[thing](k, "things", parent) {
					got = append(got, fmt.Sprint(d.ID, d.Shape.N, d.Err == nil))
					d.Shape.N++
				}
			}
		}
		want := []string{`a{"n":3}`, `b{"n":2}`, `c{"n":4}`, "a3 true", "b2 true", "c4 true", "a0 false", "a4 true", "b3 true", "c5 true", "a1 false"}
		if !slices.Equal(got, want) {
			t.Fatalf("%q", got)
		}
		if !k.Has("things", "", "b") || k.Has("things", "p", "b") || k.Has("others", "", "b") || k.Count("things", "") != 3 || k.Count("others", "") != 0 || k.Len() != 4 {
			t.Fatalf("%+v", k)
		}
	}
}
