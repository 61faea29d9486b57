package exporter

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"

	"reseed/pkg/edit"
	"reseed/pkg/job"
	"reseed/pkg/person"
	"reseed/pkg/store"
)

// This file exports all that is known of one customer, which package person reads. One task reads,
// page by page, and stores parts of lines; the last task makes a ZIP of them.

// Names of the files in the ZIP of an export of one customer.
const (
	CustomerJSON = "customer.json"
	CustomerPage = "customer.html"
)

// StartCustomer stores the job of an export of all that is known of one customer, and starts it,
// unless another job of its source is running: then it waits for its turn. The error is
// fault.NotFound if there is no such customer, and fault.Conflict if it is being erased.
func (x *Exporter) StartCustomer(ctx context.Context, n person.Names, by string) (*job.Job, error) {
	d, err := x.c.Store.Directory(ctx)
	if err != nil {
		return nil, err
	}
	ref, src, err := person.Select(d, n)
	if err != nil {
		return nil, err
	}
	found, err := person.Find(ctx, x.edits, d, ref, n.ID == "")
	if err != nil {
		return nil, err
	}
	spec := &job.ExportSpec{Format: job.JSON, Datasets: []string{job.OfCustomer}, By: by, Customer: found.Customers[0].ID, Absent: found.Absent}
	if found.Absent {
		if spec.OnList, err = x.c.Forgotten(ctx, d, src.Name, n.ExternalID); err != nil {
			return nil, err
		}
	}
	src = found.Sources[0]
	j, err := x.c.Ledger.Create(ctx, &job.Job{Kind: job.Export, Source: src.UUID, SourceName: src.Name, Tag: src.Tag, Export: spec})
	if err != nil {
		return nil, err
	}
	return j, x.send(ctx, j)
}

// beginCustomer notes the customer and its sources as they are, and begins to read.
func (x *Exporter) beginCustomer(ctx context.Context, j *job.Job) error {
	d, err := x.c.Store.Directory(ctx)
	if err != nil {
		return err
	}
	tag, h, err := store.ParseID(store.PrefixCustomer, j.Export.Customer)
	if err != nil {
		return err
	}
	found, err := person.Find(ctx, x.edits, d, edit.Ref{Tag: tag, H: h}, j.Export.Absent)
	if err != nil {
		return err
	}
	if _, err := x.c.Ledger.Update(ctx, j.ID, func(j *job.Job) error {
		if j.Export.Was.UUID == "" {
			j.Export.Was, j.Export.Others, j.Export.Customers = found.Sources[0], found.Sources[1:], found.Customers
		}
		return nil
	}); err != nil {
		return err
	}
	return x.enter(ctx, j.ID, phaseRead, 1)
}

// customerState is how far the reading of a customer has come.
type customerState struct {
	state

	Member int `json:"member,omitempty"`
}

// gather reads a customer and stores what it reads in parts.
type gather struct {
	x     *Exporter
	job   *job.Job
	st    *store.Store // with a cost meter of its own
	state customerState
	save  func(any) error

	waiting map[string]*bytes.Buffer // the next part of each section
	rows    map[string]int64         // of the next parts, by name
	size    int                      // bytes of the next parts
}

// readCustomer reads what is known of a customer, from where an earlier worker has come to.
func (x *Exporter) readCustomer(ctx context.Context, j *job.Job, t job.Task, save func(any) error) (customerState, error) {
	g := &gather{x: x, job: j, st: x.c.Store.Metered(), save: save, waiting: map[string]*bytes.Buffer{}, rows: map[string]int64{}}
	if err := decodeState(t, &g.state); err != nil {
		return g.state, err
	}
	return g.state, g.all(ctx)
}

func (g *gather) all(ctx context.Context) error {
	before := g.state.Cost
	r, err := g.reader(ctx)
	if err != nil {
		return err
	}
	for g.state.Range < r.Steps() {
		if err := g.interrupted(ctx); err != nil {
			return err
		}
		at := person.Place{Step: g.state.Range, Member: g.state.Member, After: g.state.After}
		next, err := r.Read(ctx, at, func(section string, line []byte) error { return g.add(ctx, section, line) })
		if err != nil {
			return err
		}
		g.state.Range, g.state.Member, g.state.After = next.Step, next.Member, next.After
		if g.size >= g.x.c.PartBytes || next.Step == r.Steps() {
			if err := g.flush(ctx); err != nil {
				return err
			}
			g.state.Cost = before.Add(g.st.Spent())
			if err := g.save(g.state); err != nil {
				return err
			}
		}
		g.x.c.MakeWay()
	}
	return nil
}

// customerPage is how many records of a customer are read at a time, at most: for each there may be
// several reads more.
const customerPage = 100

func (g *gather) reader(ctx context.Context) (*person.Reader, error) {
	d, err := unerased(ctx, g.st, g.job)
	if err != nil {
		return nil, err
	}
	return person.NewReader(person.Config{
		Store: g.st, Ledger: g.x.c.Ledger, Objects: g.x.c.Objects, Directory: d, Forgotten: g.x.c.Forgotten, Job: g.job, Page: min(customerPage, g.x.c.Page),
	})
}

// interrupted tells whether the worker must stop.
func (g *gather) interrupted(ctx context.Context) error {
	if g.x.late(ctx) {
		return errStopped
	}
	return g.x.stops(ctx, g.job.ID)
}

// add adds a line to the next part of a section. A page may make several parts: an invoice has any
// number of line items. They count once the page is done and noted in the task.
func (g *gather) add(ctx context.Context, section string, line []byte) error {
	b := g.waiting[section]
	if b == nil {
		b = &bytes.Buffer{}
		g.waiting[section] = b
	}
	_, _ = b.Write(line) // never fails
	g.rows[person.CountedAs(section, line)]++
	if g.size += len(line); g.size < g.x.c.PartBytes {
		return nil
	}
	return g.flush(ctx)
}

// flush stores the next parts of all sections.
func (g *gather) flush(ctx context.Context) error {
	if _, err := unerased(ctx, g.st, g.job); err != nil {
		return err
	}
	files := map[string]tally{}
	maps.Copy(files, g.state.Files)
	for section, b := range g.waiting {
		t := files[section]
		if err := g.x.c.Objects.Put(ctx, partName(g.job, section, 0, t.Parts), bytes.NewReader(b.Bytes())); err != nil {
			return err
		}
		t.Parts, t.Raw = t.Parts+1, t.Raw+int64(b.Len())
		files[section] = t
	}
	for name, n := range g.rows {
		t := files[name]
		t.Rows += n
		files[name] = t
	}
	g.state.Files, g.size = files, 0
	clear(g.waiting)
	clear(g.rows)
	return nil
}

// joinCustomer makes the ZIP of what was read. It is whole or not there.
func (x *Exporter) joinCustomer(ctx context.Context, j *job.Job, files map[string]tally) error {
	file, err := x.c.Objects.Replace(ctx, FileName(j))
	if err != nil {
		return err
	}
	defer file.Abort()
	z := zip.NewWriter(file)
	head := x.headOf(j)
	lines := func(section string) iter.Seq2[[]byte, error] { return x.linesOf(ctx, j, section, files[section].Parts) }
	for _, f := range []struct {
		name  string
		write func(io.Writer, person.Head, person.Lines) error
	}{{CustomerJSON, person.WriteJSON}, {CustomerPage, person.WriteHTML}} {
		w, err := z.CreateHeader(&zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: j.CreatedAt})
		if err == nil {
			err = f.write(w, head, lines)
		}
		if err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	if _, err := unerased(ctx, x.c.Store, j); err != nil {
		return err
	}
	return file.Close()
}

// linesOf yields the stored lines of a section.
func (x *Exporter) linesOf(ctx context.Context, j *job.Job, section string, parts int) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for part := range parts {
			if x.late(ctx) {
				yield(nil, errStopped)
				return
			}
			in, err := x.c.Objects.Open(ctx, partName(j, section, 0, part), "", 0, -1)
			if err != nil {
				yield(nil, err)
				return
			}
			more := eachLine(in, yield)
			_ = in.Close()
			if !more {
				return
			}
		}
	}
}

// eachLine yields the lines of a part; false if there is to be no more.
func eachLine(in io.Reader, yield func([]byte, error) bool) bool {
	for r := bufio.NewReader(in); ; {
		text, err := r.ReadBytes('\n')
		switch {
		case errors.Is(err, io.EOF) && len(text) == 0:
			return true
		case err != nil:
			yield(nil, err)
			return false
		case !yield(text, nil):
			return false
		}
	}
}

// headOf is what the files of an export of one customer begin with.
func (x *Exporter) headOf(j *job.Job) person.Head {
	head := person.Head{Format: person.Format, Customer: j.Export.Customer, Job: j.ID, ReadFrom: j.StartedAt.UTC(), ReadTo: x.c.Now().UTC()}
	for _, src := range j.Export.Read() {
		head.DataSources = append(head.DataSources, person.Source{ID: src.UUID, Name: src.Name})
	}
	head.Notes = append(customerNotes(j.Export),
		"What is being erased is not here. Records that were changed while this was read are as they were at some moment of that time.",
		"Names of files, and of those who have changed something, may name other people: look through them before you give this away.")
	return head
}

// customerNotes says what is particular about an export of one customer that is done.
func customerNotes(spec *job.ExportSpec) []string {
	if n := len(spec.Customers); n > 1 {
		return []string{fmt.Sprintf("The customer is merged from %d customers; all of them are in it.", n)}
	}
	if spec.Absent {
		return []string{"No record of this customer is stored. What an earlier record has left is in it: edits, and what files and erases may say of it."}
	}
	return nil
}
