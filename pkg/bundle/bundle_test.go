package bundle_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reseed/internal/effort"
	"reseed/pkg/billing"
	"reseed/pkg/bundle"
	"reseed/pkg/objects"
	"reseed/pkg/source/system"
)

// shop is a system whose receipts name a payment, which names a basket, which names a customer.
type shop struct{ system.System }

func (shop) Name() string { return "Shop" }

// thing is any of its objects.
type thing struct {
	ID    string `json:"id"`
	Of    string `json:"of"` // id of what it belongs to
	Name  string `json:"name"`
	Check string `json:"check,omitempty"` // "reject" or "note"
}

var above = map[system.Stream]system.Stream{"payments": "baskets", "receipts": "payments", "stamps": "receipts"}

func (shop) BelongsTo(o system.Object) (system.Belongs, error) {
	var t thing
	if err := json.Unmarshal(o.JSON, &t); err != nil {
		return system.Belongs{}, err
	}
	switch o.Stream {
	case "customers":
		return system.Belongs{Own: t.ID, Customer: t.ID, Self: true}, nil
	case "baskets":
		return system.Belongs{Own: t.ID, Customer: t.Of}, nil
	case "goods":
		return system.Belongs{Own: t.ID, Catalog: true}, nil
	}
	return system.Belongs{Own: t.ID, Stream: above[o.Stream], ID: t.Of}, nil
}

func (shop) MapCatalog(all []system.Object, _ system.Settings) system.Mapped {
	var m system.Mapped
	for _, t := range things(all) {
		m.Records = append(m.Records, &billing.Plan{ExternalID: t.ID, Name: t.Name, IntervalCount: 1, IntervalUnit: "month"})
	}
	return m
}

// Map makes a customer whose name lists all objects, so that a test sees what came together.
func (shop) Map(all []system.Object, s system.Settings) system.Mapped {
	m := system.Mapped{Left: map[string]int{}}
	c := &billing.Customer{}
	var has []string
	for _, o := range all {
		var t thing
		if json.Unmarshal(o.JSON, &t) != nil {
			m.Left["odd_objects"]++
			continue
		}
		if o.Stream == "customers" {
			c.ExternalID = t.ID
		}
		has = append(has, fmt.Sprintf("%s/%s/%s", o.Stream, o.Parent, t.ID))
		if t.Check != "" {
			m.Issues = append(m.Issues, system.Issue{
				Rejects: t.Check == "reject", Dataset: billing.Invoices, Record: t.ID, Stream: o.Stream, Object: t.ID, Code: "shop_" + t.Check, Message: "Look at it.", Link: "https://shop/" + t.ID,
			})
		}
	}
	slices.Sort(has)
	has = slices.Compact(has)
	switch {
	case c.ExternalID != "":
		c.Name = strings.Join(has, " ")
		if s.Metadata {
			c.Name = "hidden"
		}
		m.Records = append(m.Records, c)
	case len(has) > 0:
		m.Left["objects_without_customer"] += len(has)
	}
	m.Issues = system.SortIssues(m.Issues)
	return m
}

func things(all []system.Object) []thing {
	list := make([]thing, len(all))
	for i, o := range all {
		_ = json.Unmarshal(o.JSON, &list[i])
	}
	slices.SortFunc(list, func(a, b thing) int { return strings.Compare(a.ID, b.ID) })
	return slices.Compact(list)
}

func object(s system.Stream, t thing) system.Object {
	text, _ := json.MarshalIndent(t, "", "  ") // with line ends, as systems write
	return system.Object{Stream: s, JSON: text}
}

// bed is a bundler over pages in memory.
type bed struct {
	*bundle.Bundler

	store *objects.Objects
}

func newBed(o *objects.Objects, s system.Settings) bed {
	return bed{bundle.New(bundle.Config{Objects: o, System: shop{}, Settings: s, Raw: "raw/", Dir: "runs/", Out: "in/"}), o}
}

// pages freezes objects by pages of so many.
func (b bed) pages(t *testing.T, size int, all []system.Object) (n int) {
	t.Helper()
	for page := range slices.Chunk(all, size) {
		if err := b.WritePage(t.Context(), n, page); err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

// finish does all steps.
func (b bed) finish(ctx context.Context, s bundle.State) (bundle.State, error) {
	for !s.Done {
		var err error
		if s, err = b.Step(ctx, s); err != nil {
			return s, err
		}
	}
	return s, nil
}

// made returns all lines of the input files, sorted, and what there is to tell.
func (b bed) made(t *testing.T) (lines []string, told bundle.Told) {
	t.Helper()
	files, err := b.Files(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		in, err := b.store.Open(t.Context(), f.Object, "", 0, -1)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, strings.SplitAfter(strings.TrimSuffix(string(text), "\n"), "\n")...)
	}
	slices.Sort(lines)
	if told, err = b.Told(t.Context()); err != nil {
		t.Fatal(err)
	}
	return lines, told
}

// sold is a shop with customers of so many baskets each, with a payment, a receipt and a stamp for each.
func sold(customers, baskets int) []system.Object {
	var all []system.Object
	for c := range customers {
		cus := fmt.Sprintf("c%04d", c)
		all = append(all, object("customers", thing{ID: cus}))
		for n := range baskets {
			id := fmt.Sprintf("%s-%d", cus, n)
			all = append(all,
				object("baskets", thing{ID: id, Of: cus}), object("payments", thing{ID: "p" + id, Of: id}), object("receipts", thing{ID: "r" + id, Of: "p" + id}),
				object("stamps", thing{ID: "s" + id, Of: "r" + id}))
		}
	}
	return all
}

// Objects come together by customer, over up to three others, in whatever order they were read, and also if they were read twice.
func TestObjectsComeTogether(t *testing.T) {
	t.Parallel()
	all := append(sold(70, 3),
		object("goods", thing{ID: "g1", Name: "Gold"}),
		object("baskets", thing{ID: "b-lost", Of: "nobody-lists-me"}),
		object("receipts", thing{ID: "r-lost", Of: "p-nowhere"}),
		system.Object{Stream: "receipts", JSON: json.RawMessage(`{"id":7}`)},
		object("baskets", thing{ID: "odd", Of: "c0001", Check: "reject"}),
		object("baskets", thing{ID: "hm", Of: "c0002", Check: "note"}),
	)
	all = append(all, all[:100]...)
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	var want []string
	for _, size := range []int{5, 1000} { // 196 pages: several chunks; and one
		b := newBed(objects.Mem(), system.Settings{})
		state, err := b.finish(t.Context(), bundle.State{Pages: b.pages(t, size, all)})
		if err != nil {
			t.Fatal(err)
		}
		lines, told := b.made(t)
		if want == nil {
			want = lines
		}
		if diff := cmp.Diff(want, lines); diff != "" {
			t.Errorf("pages of %d: %s", size, diff)
		}
		if len(lines) != 70+1+1 || told.Rows != 72 || told.Rejects != 1 || told.Left["objects_without_customer"] != 2 || told.Left["odd_objects"] != 1 {
			t.Errorf("%d lines, %+v, state %+v", len(lines), told, state)
		}
	}
	text := strings.Join(want, "")
	for _, part := range []string{
		"baskets//c0069-2 customers//c0069 payments//pc0069-0 payments//pc0069-1 payments//pc0069-2 receipts//rc0069-0 receipts//rc0069-1 receipts//rc0069-2 stamps//sc0069-0 stamps//sc0069-1 stamps//sc0069-2",
		`"external_id":"odd","_reject":{"code":"shop_reject","object":"odd","reason":"Look at it. https://shop/odd"}`, `"name":"Gold"`,
	} {
		if !strings.Contains(text, part) {
			t.Errorf("%s is not there", part)
		}
	}
}

// Customers that are named and not listed are known once all pages are sorted; what is read of them then counts.
func TestMissing(t *testing.T) {
	t.Parallel()
	b := newBed(objects.Mem(), system.Settings{})
	all := append(sold(30, 1), object("baskets", thing{ID: "x", Of: "zoe"}), object("baskets", thing{ID: "y", Of: "ann"}), object("baskets", thing{ID: "z", Of: "ann"}),
		object("baskets", thing{ID: "zoe", Of: "zoe"})) // has the id of its customer
	state := bundle.State{Pages: b.pages(t, 7, all)}
	var err error
	for !state.AllSorted() {
		if state, err = b.Step(t.Context(), state); err != nil {
			t.Fatal(err)
		}
	}
	missing := func() (ids []string) {
		for id, err := range b.Missing(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, id)
		}
		return ids
	}
	if got := missing(); !slices.Equal(got, []string{"ann", "zoe"}) {
		t.Fatalf("%q", got)
	}
	if err := b.WritePage(t.Context(), state.Pages, []system.Object{object("customers", thing{ID: "ann"})}); err != nil {
		t.Fatal(err)
	}
	state.Pages++
	for !state.AllSorted() {
		if state, err = b.Step(t.Context(), state); err != nil {
			t.Fatal(err)
		}
	}
	if got := missing(); !slices.Equal(got, []string{"zoe"}) {
		t.Fatalf("%q", got)
	}
	for id := range b.Missing(t.Context()) { // whoever has enough may stop
		_ = id
		break
	}
	if _, err = b.finish(t.Context(), state); err != nil {
		t.Fatal(err)
	}
	lines, told := b.made(t)
	if !strings.Contains(strings.Join(lines, ""), `"baskets//y baskets//z customers//ann"`) || told.Left["objects_without_customer"] != 2 {
		t.Errorf("%s %+v", lines, told)
	}
}

var errKilled = errors.New("killed")

// A worker dies at any change of an object; the next one begins the step again. The outcome is the same.
func TestKilledAnywhere(t *testing.T) {
	t.Parallel()
	all := append(sold(9, 2), object("goods", thing{ID: "g1", Name: "Gold"}), object("baskets", thing{ID: "odd", Of: "c0001", Check: "reject"}))
	whole := newBed(objects.Mem(), system.Settings{})
	begun := bundle.State{Pages: whole.pages(t, 1, all)} // two chunks
	if _, err := whole.finish(t.Context(), begun); err != nil {
		t.Fatal(err)
	}
	want, told := whole.made(t)
	// killed runs all steps over a store that fails at its n-th change, and returns how many changes there were.
	killed := func(kill int) int {
		mem, n := &objects.Memory{}, atomic.Int64{}
		bad := objects.Over(mem).Around(func(change func() error) error {
			if n.Add(1) == int64(kill) {
				return errKilled
			}
			return change()
		})
		newBed(objects.Over(mem), system.Settings{}).pages(t, 1, all)
		b := newBed(bad, system.Settings{})
		for state := begun; !state.Done; {
			if next, err := b.Step(t.Context(), state); err == nil {
				state = next
			}
		}
		got, gotTold := newBed(objects.Over(mem), system.Settings{}).made(t)
		if diff := cmp.Diff(want, got) + cmp.Diff(told, gotTold); diff != "" {
			t.Fatalf("killed at change %d: %s", kill, diff)
		}
		return int(n.Load())
	}
	for kill := range effort.Cases(t.Name(), killed(0), 1) {
		killed(kill)
	}
}

// Nothing at all, and one object; and the same pages with other settings.
func TestSmall(t *testing.T) {
	t.Parallel()
	for n, all := range [][]system.Object{nil, {object("customers", thing{ID: "c"})}} {
		b := newBed(objects.Mem(), system.Settings{})
		pages := b.pages(t, 10, all)
		if _, err := b.finish(t.Context(), bundle.State{Pages: pages}); err != nil {
			t.Fatal(err)
		}
		if _, told := b.made(t); told.Rows != int64(n) {
			t.Errorf("%d rows of %d objects", told.Rows, n)
		}
		again := newBed(b.store, system.Settings{Metadata: true})
		if _, err := again.finish(t.Context(), bundle.State{Pages: pages}); err != nil {
			t.Fatal(err)
		}
		if lines, _ := again.made(t); n == 1 && !strings.Contains(lines[0], "hidden") {
			t.Errorf("%q", lines)
		}
	}
}

// Pages hold objects as they were sent, whatever they hold; what is no JSON is refused.
func TestPages(t *testing.T) {
	t.Parallel()
	b := newBed(objects.Mem(), system.Settings{})
	odd := object("customers", thing{ID: `c "quoted\`, Name: "line\nend \u2028 \x00 </script> 漢"})
	odd.Parent = `p",\"object":`
	if _, err := b.finish(t.Context(), bundle.State{Pages: b.pages(t, 1, []system.Object{odd, odd})}); err != nil {
		t.Fatal(err)
	}
	lines, _ := b.made(t)
	if len(lines) != 1 || !strings.Contains(lines[0], `p\",\\\"object\":`) {
		t.Errorf("%q", lines)
	}
	if err := b.WritePage(t.Context(), 0, []system.Object{{Stream: "customers", JSON: json.RawMessage(`{"id":`)}}); err == nil {
		t.Error("it is taken")
	}
}

// Of an object that is too large what names it is left: so it comes to its customer. If that is not known any more it is rejected.
func TestLargeObjects(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("a", bundle.MostBytes)
	for name, tt := range map[string]struct {
		object system.Object
		want   string // in a line
	}{
		"whose text is large":     {system.Object{Stream: "customers", JSON: json.RawMessage(`{"text":"` + large + `","id":"c1"}`)}, `"external_id":"c1"`},
		"whose customer is large": {object("baskets", thing{ID: "b1", Of: large}), `"code":"object_too_large"`},
		"whose id is large":       {object("customers", thing{ID: large}), `"code":"object_too_large"`},
		"that is none":            {system.Object{Stream: "customers", JSON: json.RawMessage(`"` + large + `"`)}, `"code":"object_too_large"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBed(objects.Mem(), system.Settings{})
			all := []system.Object{object("customers", thing{ID: "other"}), tt.object}
			if _, err := b.finish(t.Context(), bundle.State{Pages: b.pages(t, 1, all)}); err != nil {
				t.Fatal(err)
			}
			lines, _ := b.made(t)
			if len(lines) != 2 || !strings.Contains(lines[0]+lines[1], tt.want) || !strings.Contains(lines[0]+lines[1], "customers//other") {
				t.Errorf("%q", lines)
			}
		})
	}
}

// Sentences name what is most frequent first, and are the same each time.
func TestSentences(t *testing.T) {
	t.Parallel()
	told := bundle.Told{
		Notes: map[string]*bundle.Note{"a": {Count: 1, Message: "One.", Links: []string{"l1"}}, "b": {Count: 12, Message: "Many.", Links: []string{"l2", "l3"}}, "c": {Count: 2, Message: "None."}},
		Left:  map[string]int64{"draft_invoices": 3},
	}
	want := []string{"Many. (b, 12 times; l2 l3)", "None. (c, 2 times)", "One. (a, once; l1)", "Left out, as the settings and the mapping say: draft invoices (3)."}
	if got := told.Sentences(); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// oneByOne notes how many objects of nobody are mapped together.
type oneByOne struct {
	shop

	calls, most *atomic.Int64
}

func (o oneByOne) Map(all []system.Object, s system.Settings) system.Mapped {
	if by, _ := o.BelongsTo(all[0]); by.Customer == "" {
		o.calls.Add(1)
		o.most.Store(max(o.most.Load(), int64(len(all))))
	}
	return o.shop.Map(all, s)
}

// Objects of nobody are counted, however many there are, and never held in memory or mapped together.
func TestObjectsOfNobody(t *testing.T) {
	t.Parallel()
	const guests = 500
	b, o := newBed(objects.Mem(), system.Settings{}), oneByOne{calls: &atomic.Int64{}, most: &atomic.Int64{}}
	b.System = o
	all := []system.Object{object("customers", thing{ID: "ann"}), object("baskets", thing{ID: "b1", Of: "ann"})}
	for i := range guests {
		all = append(all, object("baskets", thing{ID: fmt.Sprint("guest", i)}))
	}
	if _, err := b.finish(t.Context(), bundle.State{Pages: b.pages(t, 3, all)}); err != nil {
		t.Fatal(err)
	}
	lines, told := b.made(t)
	if len(lines) != 1 || !strings.Contains(lines[0], "baskets//b1 customers//ann") || told.Left["objects_without_customer"] != guests {
		t.Errorf("%q %v", lines, told.Left)
	}
	if o.calls.Load() != guests || o.most.Load() != 1 {
		t.Errorf("%d calls with up to %d objects", o.calls.Load(), o.most.Load())
	}
}
