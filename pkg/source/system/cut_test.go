package system_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"reseed/pkg/source/system"
)

// The longest fields go first, as few as must, and what is left stays in its order.
func TestCut(t *testing.T) {
	t.Parallel()
	text := func(n int) string { return `"` + strings.Repeat("x", n) + `"` }
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"f%d":1`, i)
		}
		return `{` + b.String()[1:] + `}`
	}
	for name, tt := range map[string]struct{ in, want string }{
		"one field":      {`{"id":"a","text":` + text(300) + `,"n":1}`, `{"reseed_cut":true,"id":"a","text":false,"n":1}`},
		"the longest":    {`{"a":` + text(120) + `,"b":` + text(200) + `}`, `{"reseed_cut":true,"a":` + text(120) + `,"b":false}`},
		"all that must":  {`{"a":` + text(190) + `,"b":` + text(200) + `,"c":[1,{"d":2}]}`, `{"reseed_cut":true,"a":` + text(190) + `,"b":false,"c":[1,{"d":2}]}`},
		"inner fields":   {`{"a":{"b":` + text(300) + `},"a":2}`, `{"reseed_cut":true,"a":false,"a":2}`},
		"no object":      {`[` + text(300) + `]`, `{"reseed_cut":true}`},
		"too many names": {many(100), `{"reseed_cut":true}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := system.Cut([]byte(tt.in), 250)
			if string(got) != tt.want || len(got) > 250 || !json.Valid(got) || !system.WasCut(got) || system.WasCut([]byte(tt.in)) {
				t.Errorf("%s", got)
			}
		})
	}
}
