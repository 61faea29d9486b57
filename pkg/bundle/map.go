package bundle

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/source"
	"reseed/pkg/source/records"
	"reseed/pkg/source/system"
)

func isEnd(err error) bool { return errors.Is(err, io.EOF) }

// mapSome maps as many sections as there are processors, and returns how many are mapped then.
func (b *Bundler) mapSome(ctx context.Context, from int) (mapped int, err error) {
	to := min(from+runtime.GOMAXPROCS(0), sections)
	g, inner := errgroup.WithContext(ctx)
	for s := from; s < to; s++ {
		g.Go(func() error { return b.mapSection(inner, s) })
	}
	return to, g.Wait()
}

func (b *Bundler) mapSection(ctx context.Context, section int) error {
	in, err := b.open(ctx, runsOf(section))
	if err != nil {
		return err
	}
	defer in.close()
	return b.write(ctx, sectionName(section), func(o *output) error {
		return in.groups(ctx, func(customer string, payloads [][]byte) error {
			objects, err := decodeAll(payloads)
			if err != nil {
				return err
			}
			mapped := b.System.Map(objects, b.Settings)
			if customer == nobody {
				mapped.Issues = append(mapped.Issues, b.lost(objects[0], mapped)...)
			}
			return o.add(mapped)
		})
	})
}

// lost rejects an object that was cut, so that nobody knows whose it is, unless its mapping has done so. Its dataset is not known either: so
// nothing is removed.
func (b *Bundler) lost(o system.Object, m system.Mapped) []system.Issue {
	if !system.WasCut(o.JSON) || slices.ContainsFunc(m.Issues, func(i system.Issue) bool { return i.Rejects }) {
		return nil
	}
	by, _ := b.System.BelongsTo(o)
	return []system.Issue{system.Misfit(o.JSON, system.Issue{Stream: o.Stream, Object: by.Own})}
}

func (b *Bundler) mapCatalog(ctx context.Context) error {
	in, err := b.open(ctx, runsCatalog)
	if err != nil {
		return err
	}
	defer in.close()
	var objects []system.Object
	if err := in.groups(ctx, func(_ string, payloads [][]byte) error {
		more, err := decodeAll(payloads)
		objects = append(objects, more...)
		return err
	}); err != nil {
		return err
	}
	return b.write(ctx, catalogName, func(o *output) error { return o.add(b.System.MapCatalog(objects, b.Settings)) })
}

func decodeAll(payloads [][]byte) ([]system.Object, error) {
	objects := make([]system.Object, len(payloads))
	for i, p := range payloads {
		var err error
		if objects[i], err = decodeObject(p); err != nil {
			return nil, err
		}
	}
	return objects, nil
}

const catalogName = "catalog"

func sectionName(n int) string { return fmt.Sprintf("customers-%d", n+1) }

// names lists the input files, in the order in which a report names them.
func names() []string {
	all := []string{catalogName}
	for s := range sections {
		all = append(all, sectionName(s))
	}
	return all
}

func (c Config) input(name string) string { return c.Out + name + ".ndjson" }

// told names the object with what a section has to tell.
func (c Config) told(name string) string { return c.Dir + "told/" + name + ".json" }

// Told is what people should know of the mapping of a pull.
type Told struct {
	Rows    int64            `json:"rows"`    // lines of input files
	Rejects int64            `json:"rejects"` // of them
	Notes   map[string]*Note `json:"notes"`   // by code
	Left    map[string]int64 `json:"left"`    // what is left out by design
}

// Note is an issue that does not reject.
type Note struct {
	Count   int64    `json:"count"`
	Message string   `json:"message"`
	Links   []string `json:"links"` // of the first ones
}

// mostLinks is how many objects a note leads to.
const mostLinks = 3

// output writes an input file.
type output struct {
	w       *bufio.Writer
	writers map[billing.Dataset]source.Writer
	line    []byte
	told    Told
}

// write writes an input file whole, and then what it has to tell.
func (b *Bundler) write(ctx context.Context, name string, fill func(*output) error) error {
	file, err := b.Objects.Replace(ctx, b.input(name))
	if err != nil {
		return err
	}
	defer file.Abort()
	o := &output{w: bufio.NewWriterSize(file, 256<<10), writers: map[billing.Dataset]source.Writer{}, told: Told{Notes: map[string]*Note{}, Left: map[string]int64{}}}
	if err := fill(o); err != nil {
		return err
	}
	if err := o.w.Flush(); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	text, err := json.Marshal(o.told)
	if err != nil {
		return fault.Wrap(err, fault.Internal, "told", "encode what a mapping has to tell")
	}
	return b.Objects.Put(ctx, b.told(name), bytes.NewReader(text))
}

// add writes what became of a customer, or of the catalog.
func (o *output) add(m system.Mapped) error {
	for _, r := range m.Records {
		w := o.writers[r.Dataset()]
		if w == nil {
			var err error
			if w, err = (records.Format{}).Writer(r.Dataset()); err != nil {
				return err
			}
			o.writers[r.Dataset()] = w
		}
		o.line = w.Append(o.line[:0], r)
		if err := o.put(o.line); err != nil {
			return err
		}
	}
	for _, i := range m.Issues {
		if err := o.issue(i); err != nil {
			return err
		}
	}
	for what, n := range m.Left {
		o.told.Left[what] += int64(n)
	}
	return nil
}

func (o *output) put(line []byte) error {
	o.told.Rows++
	_, err := o.w.Write(line)
	return err
}

// issue writes a reject, or counts a note.
func (o *output) issue(i system.Issue) error {
	if !i.Rejects {
		note := o.told.Notes[i.Code]
		if note == nil {
			note = &Note{Message: i.Message}
			o.told.Notes[i.Code] = note
		}
		if note.Count++; i.Link != "" && len(note.Links) < mostLinks {
			note.Links = append(note.Links, i.Link)
		}
		return nil
	}
	o.told.Rejects++
	reason := i.Message
	if i.Link != "" {
		reason += " " + i.Link
	}
	var err error
	o.line, err = records.AppendUnmapped(o.line[:0], i.Dataset, i.Record, records.Unmapped{Code: i.Code, Column: i.Field, Object: i.Object, Reason: reason})
	if err != nil {
		return err
	}
	return o.put(o.line)
}

// Told sums what all files have to tell. All must be mapped.
func (b *Bundler) Told(ctx context.Context) (Told, error) {
	sum := Told{Notes: map[string]*Note{}, Left: map[string]int64{}}
	for _, name := range names() {
		var t Told
		if err := b.readTold(ctx, name, &t); err != nil {
			return sum, err
		}
		sum.add(t)
	}
	return sum, nil
}

func (b *Bundler) readTold(ctx context.Context, name string, t *Told) error {
	in, err := b.Objects.Open(ctx, b.told(name), "", 0, -1)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	if err := json.NewDecoder(in).Decode(t); err != nil {
		return fault.Wrap(err, fault.Internal, "told", "read what a mapping has to tell")
	}
	return nil
}

func (t *Told) add(o Told) {
	t.Rows += o.Rows
	t.Rejects += o.Rejects
	for what, n := range o.Left {
		t.Left[what] += n
	}
	for code, n := range o.Notes {
		all := t.Notes[code]
		if all == nil {
			all = &Note{Message: n.Message}
			t.Notes[code] = all
		}
		all.Count += n.Count
		all.Links = append(all.Links, n.Links...)
		all.Links = all.Links[:min(len(all.Links), mostLinks)]
	}
}

// Sentences are notes and what is left out, in words for the report of the job: the most frequent first.
func (t Told) Sentences() []string {
	var all []string
	for _, code := range slices.SortedFunc(maps.Keys(t.Notes), func(a, b string) int {
		return cmp.Or(cmp.Compare(t.Notes[b].Count, t.Notes[a].Count), cmp.Compare(a, b))
	}) {
		n := t.Notes[code]
		links := ""
		if len(n.Links) > 0 {
			links = "; " + strings.Join(n.Links, " ")
		}
		all = append(all, fmt.Sprintf("%s (%s, %s%s)", n.Message, code, times(n.Count), links))
	}
	for _, what := range slices.Sorted(maps.Keys(t.Left)) {
		all = append(all, fmt.Sprintf("Left out, as the settings and the mapping say: %s (%d).", strings.ReplaceAll(what, "_", " "), t.Left[what]))
	}
	return all
}

func times(n int64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// File is an input file.
type File struct {
	Name    string // for people
	Object  string // its key
	Catalog bool   // it has plans, and nothing of customers
}

// Files lists the input files that have rows.
func (b *Bundler) Files(ctx context.Context) ([]File, error) {
	var files []File
	for _, name := range names() {
		info, err := b.Objects.Stat(ctx, b.input(name))
		if err != nil {
			return nil, err
		}
		if info.Size > 0 {
			files = append(files, File{Name: strings.ToLower(b.System.Name()) + "-" + name + ".ndjson", Object: b.input(name), Catalog: name == catalogName})
		}
	}
	return files, nil
}
