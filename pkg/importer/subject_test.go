package importer_test

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"reseed/pkg/billing"
	"reseed/pkg/edit"
	"reseed/pkg/fault"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/source"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// subject is a source, what the model knows of it, and another source beside it. Whatever is done
// to the source is done to the model, and the outcome must be the same.
type subject struct {
	*line     // process that does the next step
	driver    table.Driver
	model     *model
	src       store.Source
	bystander store.Source
	untouched map[table.Key]string // all that the bystander holds
	edits     map[table.Key]string // edits of the source
	before    map[*past]map[table.Key]string
	touched   bool // something other than a job has changed the source since the last job
	spelled   spelling
}

func newSubject(t tester, d table.Driver, shards int) *subject {
	s := &subject{
		line: newLine(d, objects.Mem(), 0, 0), driver: d, model: newModel(), before: map[*past]map[table.Key]string{},
	}
	setSecret(t, s.line)
	s.source(t, "S")
	s.bystander = s.source(t, "Bystander")
	dir, err := s.store.ChangeDirectory(t.Context(), func(d *store.Directory) ([]table.Write, error) {
		d.Sources[0].Shards = shards
		return nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	s.src = dir.Sources[0]
	s.send(t, s.bystander, request{sheets: []sheet{
		{billing.Customers, []row{{"External ID": "c1", "Name": "A", "Email": "a@x.com"}, {"External ID": "c2"}}},
		{billing.Invoices, []row{{"Customer external ID": "c1", "Invoice external ID": "i1", "Invoiced date": someDates[0], "Currency": "EUR"}}},
		{billing.LineItems, []row{{"Invoice external ID": "i1", "External ID": "l1", "Type": "one_time", "Amount in cents": "100"}}},
	}})
	s.untouched = s.dump(t, s.bystander)
	return s
}

// setSecret gives every table the same secret, so that runs can be repeated.
func setSecret(t tester, l *line) {
	t.Helper()
	_, err := l.store.ChangeDirectory(t.Context(), func(d *store.Directory) ([]table.Write, error) {
		d.HashKey = bytes.Repeat([]byte{7}, 32)
		return nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// process makes another process do the next step, a minute later.
func (s *subject) process(pieceBytes, smallBytes int64, order uint64) {
	now := s.now.Add(time.Minute)
	s.line = newLine(s.driver, s.objects, pieceBytes, smallBytes)
	s.now, s.shuffle = now, rand.New(rand.NewPCG(order, 0))
}

// submit runs an import.
func (s *subject) submit(t tester, q request) *past {
	t.Helper()
	s.now = s.now.Add(time.Minute)
	if q.spelled == inCSV {
		q.spelled = s.spelled
	}
	p := s.model.decide(q, s.now.UnixMilli())
	s.before[p] = s.dump(t, s.src)
	j := s.send(t, s.src, q)
	s.ended(t, p, j)
	if p.status == job.Done {
		s.model.apply(p)
	}
	return p
}

// again runs the same import once more: it changes nothing and costs nothing (I2).
func (s *subject) again(t tester, q request) {
	t.Helper()
	first := s.model.jobs[len(s.model.jobs)-1]
	p := s.submit(t, q)
	j, err := s.ledger.Get(t.Context(), p.id)
	if err != nil {
		t.Fatal(err)
	}
	if !first.overkept && (len(p.meant()) > 0 || j.Cost.WriteMilli != 0) {
		t.Fatalf("the same input a second time: %s, %d thousandths of a write unit", counts(j), j.Cost.WriteMilli)
	}
}

// send runs an import until it has ended or is planned.
func (l *line) send(t tester, src store.Source, q request) *job.Job {
	t.Helper()
	if q.pull {
		return l.pull(t, src, q)
	}
	j, err := l.Submit(t.Context(), q.request(t, l, src))
	if err != nil {
		t.Fatal(err)
	}
	return l.finished(t, j.ID)
}

// pull runs the import of a pull that has frozen these files.
func (l *line) pull(t tester, src store.Source, q request) *job.Job {
	t.Helper()
	r := q.request(t, l, src)
	j, err := l.Pull(t.Context(), src, pullOf(r, q.only))
	if err != nil {
		t.Fatal(err)
	}
	return l.finished(t, j.ID)
}

// pullOf is the job of a pull that has frozen the files of a request: of one customer, unless only is empty.
func pullOf(r importer.Request, only string) *job.Job {
	return &job.Job{Import: &job.ImportSpec{
		Files: r.Files, Origin: job.ByPull, Mode: job.Replace, Plan: r.Options.Plan, MaxRemoved: *r.Options.MaxRemoved, AllowEmpty: r.Options.AllowEmpty,
		Datasets: []string{job.RejectedStay}, Pull: &job.PullSpec{Whole: true, Customer: only},
	}}
}

// request stores the files and makes the request to import them.
func (q request) request(t tester, l *line, src store.Source) importer.Request {
	t.Helper()
	inputs := q.inputs(t)
	if q.edits != "" {
		inputs = append(inputs, input{name: "edits.ndjson", body: []byte(q.edits)})
	}
	most := int(q.maxRemoved)
	o := importer.Options{Plan: q.plan, AllowEmpty: q.allowEmpty, MaxRemoved: &most}
	if q.replace {
		o.Mode = job.Replace
	}
	if q.units {
		o.Settings.Amounts = source.AmountsUnits
	}
	return importer.Request{Source: src, Origin: job.ByFile, Files: l.put(t.Context(), t, inputs), Options: o}
}

// ended compares a job with what the model says of it, and adds it to the model.
func (s *subject) ended(t tester, p *past, j *job.Job) {
	t.Helper()
	if j.Status != p.status || !strings.Contains(j.Error, p.refused) || (j.Error == "") != (p.refused == "") {
		t.Fatalf("job is %s %q, want %s %q: %s", j.Status, j.Error, p.status, p.refused, counts(j))
	}
	s.model.turns++
	if p.id == "" {
		p.id = j.ID
		s.model.jobs = append(s.model.jobs, p)
	}
	p.turn = s.model.turns
	s.touched = false
	if p.status == job.Failed {
		return
	}
	if diff := cmp.Diff(some(p.counts), some(j.Datasets)); diff != "" {
		t.Fatalf("counts: -want +got\n%s", diff)
	}
	if diff := cmp.Diff(someTotals(p.totals), someTotals(j.Totals)); diff != "" {
		t.Fatalf("control totals: -want +got\n%s", diff)
	}
	if p.undoes != nil {
		if left := s.leftCodes(t, j); !slices.Equal(left, sorted(p.left)) {
			t.Fatalf("left alone: %v, want %v", left, sorted(p.left))
		}
	} else if diff := cmp.Diff(p.rejects, s.rejectCodes(t, j), cmp.AllowUnexported(place{})); diff != "" {
		t.Fatalf("rejects: -want +got\n%s", diff)
	}
	s.foretold(t, p, j)
	if diff := cmp.Diff(s.actions(t, p), s.changes(t, j)); diff != "" {
		t.Fatalf("change set: -want +got\n%s", diff)
	}
}

// foretold checks what a job said that it would do and cost.
func (s *subject) foretold(t tester, p *past, j *job.Job) {
	t.Helper()
	if j.Import.Estimate.Changes != int64(len(p.meant())) {
		t.Fatalf("%d changes announced, want %d", j.Import.Estimate.Changes, len(p.meant()))
	}
	if p.status == job.Done && float64(j.Cost.WriteMilli) != 1000*j.Import.Estimate.WriteUnits {
		t.Fatalf("%d thousandths of a write unit, announced were %v units", j.Cost.WriteMilli, j.Import.Estimate.WriteUnits)
	}
}

// some are the counts of the datasets that have any.
func some(counts map[string]job.Counts) map[string]job.Counts {
	out := maps.Clone(counts)
	maps.DeleteFunc(out, func(_ string, c job.Counts) bool { return c == job.Counts{} })
	if len(out) == 0 {
		return nil
	}
	return out
}

func sorted(s []string) []string { return slices.Sorted(slices.Values(s)) }

// rejectCodes reads the rejects file of an import.
func (l *line) rejectCodes(t tester, j *job.Job) map[place]string {
	t.Helper()
	out := map[place]string{}
	text := l.rejects(t, j)
	if strings.HasPrefix(text, "{") {
		return ndjsonRejects(t, text)
	}
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = -1
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		tail := cells[len(cells)-6:]
		if tail[0] == "Reject file" {
			continue
		}
		file, err1 := strconv.Atoi(strings.TrimSuffix(tail[0], ".csv"))
		number, err2 := strconv.Atoi(tail[1])
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		out[place{file, number}] = tail[3]
	}
}

// leftCodes reads why an undo left rows alone.
func (l *line) leftCodes(t tester, j *job.Job) (codes []string) {
	t.Helper()
	all, err := csv.NewReader(strings.NewReader(l.rejects(t, j))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, cells := range all {
		if i > 0 {
			codes = append(codes, cells[2])
		}
	}
	return sorted(codes)
}

// changes reads the change set of a job: what it does under which key.
func (l *line) changes(t tester, j *job.Job) map[string]importer.Action {
	t.Helper()
	var b bytes.Buffer
	if err := l.Export(t.Context(), j, importer.NDJSON, &b); err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]importer.Action{}
	for dec := json.NewDecoder(z); ; {
		var c importer.Change
		switch err := dec.Decode(&c); {
		case errors.Is(err, io.EOF):
			return out
		case err != nil:
			t.Fatal(err)
		case c.Key != "":
			out[c.Key] = c.Action
		}
	}
}

// actions is what changes returns, according to the model.
func (s *subject) actions(t tester, p *past) map[string]importer.Action {
	t.Helper()
	hr := s.hasher(t)
	out := map[string]importer.Action{}
	for _, c := range p.meant() {
		action, r := importer.Changed, c.after
		switch {
		case c.before == nil:
			action = importer.Added
		case c.after == nil:
			action, r = importer.Removed, c.before
		}
		out[r.key(hr, s.src.Space()).SK] = action
	}
	return out
}

func (l *line) hasher(t tester) *store.Hasher {
	t.Helper()
	dir, err := l.store.Directory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return dir.Hasher()
}

// apply applies a plan.
func (s *subject) apply(t tester, p *past) {
	t.Helper()
	s.now = s.now.Add(time.Minute)
	s.before[p] = s.dump(t, s.src)
	outdated := s.model.outdated(p)
	_, err := s.Apply(t.Context(), p.id)
	if p.undoes != nil && !p.undoes.undoable() {
		if fault.CodeOf(err) != "undone_already" {
			t.Fatalf("a second undo of the same job: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if p.undoes != nil {
		p.undoes.undoneBy = p
	}
	if p.applying = true; outdated {
		p.status, p.refused = job.Failed, "since this plan was made. Nothing was written"
	} else {
		s.model.apply(p)
	}
	s.ended(t, p, s.finished(t, p.id))
	if _, err := s.Apply(t.Context(), p.id); fault.CodeOf(err) != "not_planned" {
		t.Fatalf("applied twice: %v", err)
	}
}

// cancel cancels a plan.
func (s *subject) cancel(t tester, p *past) {
	t.Helper()
	if _, err := s.Cancel(t.Context(), p.id); err != nil {
		t.Fatal(err)
	}
	p.status = job.Cancelled
}

// undo undoes a job. If nothing happened in between, all is as it was, to the byte.
func (s *subject) undo(t tester, target *past) *past {
	t.Helper()
	latest := target == s.model.jobs[len(s.model.jobs)-1] && target.turn == s.model.turns && !s.touched
	p := s.begun(t, target, false)
	if p == nil {
		return nil
	}
	target.undoneBy = p
	s.model.apply(p)
	s.ended(t, p, s.finished(t, p.id))
	if latest {
		same(t, s.dump(t, s.src), s.before[target])
	}
	return p
}

// planUndo plans the undo of a job.
func (s *subject) planUndo(t tester, target *past) *past {
	t.Helper()
	p := s.begun(t, target, true)
	if p == nil {
		return nil
	}
	p.status = job.Planned
	touched := s.touched
	s.ended(t, p, s.finished(t, p.id))
	same(t, s.dump(t, s.src), s.before[p])
	s.touched = touched
	return p
}

// begun starts the undo of a job, if it can be undone.
func (s *subject) begun(t tester, target *past, plan bool) *past {
	t.Helper()
	s.now = s.now.Add(time.Minute)
	was := s.dump(t, s.src)
	j, err := s.Undo(t.Context(), target.id, importer.UndoOptions{Plan: plan})
	if !target.undoable() {
		if !fault.Is(err, fault.Conflict) {
			t.Fatalf("undo of a job that cannot be undone: %v", err)
		}
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	p := s.model.undo(target, s.now.UnixMilli())
	s.before[p] = was
	p.id = j.ID
	s.model.jobs = append(s.model.jobs, p)
	return p
}

// touch changes a row as a request to the API does: on condition that the row is as it was read.
func (s *subject) touch(t tester, id ident, owner string) {
	t.Helper()
	s.now = s.now.Add(time.Minute)
	was := s.model.rows[id]
	r := *was
	r.attrs, r.updated = maps.Clone(was.attrs), s.now.UnixMilli()
	r.attrs["owner"] = owner
	s.write(t, &r, table.Cond{Op: table.Equals, Attr: store.AttrUpdated, N: was.updated})
}

// create makes a customer as a request to the API does: it is not manual.
func (s *subject) create(t tester, externalID string) {
	t.Helper()
	s.now = s.now.Add(time.Minute)
	r := row{"External ID": externalID}
	s.write(t, &record{r.ident(billing.Customers), r.attrs(billing.Customers), nil, 0, s.now.UnixMilli(), s.now.UnixMilli()}, table.Cond{Op: table.Absent})
}

func (s *subject) write(t tester, r *record, cond table.Cond) {
	t.Helper()
	all := r.origin(maps.Clone(r.attrs))
	all["_at"], all["_up"] = r.created, r.updated
	b := table.NewBuilder()
	for name, v := range all {
		switch v := v.(type) {
		case string:
			b.Str(name, v)
		case int64:
			b.IntAlways(name, v)
		case bool:
			b.Bool(name, v)
		}
	}
	k := r.key(s.hasher(t), s.src.Space())
	if err := s.store.Transact(t.Context(), table.Write{Item: table.Item{Key: k, Attrs: b.Attrs()}, If: cond}); err != nil {
		t.Fatal(err)
	}
	s.model.set(r.id, r)
	s.touched = true
}

// tag is an edit: no import ever reads or writes one (I3).
func (s *subject) tag(t tester, customer, tag string) {
	t.Helper()
	d, err := s.store.Directory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := edit.Customer{Space: s.src.Space(), H: s.hasher(t).CustomerH(customer)}
	writes, err := edit.New(s.store, func() time.Time { return s.now }).Writes(t.Context(), d, c.AddTags(tag))
	if err == nil {
		err = s.store.Transact(t.Context(), writes...)
	}
	if err != nil {
		t.Fatal(err)
	}
	s.edits = s.dumpEdits(t, s.src)
}

// check compares all that is stored with the model: records, and the pointers to them.
func (s *subject) check(t tester) {
	t.Helper()
	want := map[table.Key]map[string]any{}
	hr := s.hasher(t)
	for _, r := range s.model.rows {
		r.expected(hr, s.src.Space(), func(k table.Key, attrs map[string]any) {
			if want[k] != nil {
				t.Fatalf("two records have the item %v, one of them %v", k, r.id)
			}
			want[k] = attrs
		})
	}
	got := map[table.Key]map[string]any{}
	for k, attrs := range s.dump(t, s.src) {
		got[k] = decoded(table.Attrs(attrs))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("the table differs: -want +got\n%s", diff)
	}
	if r := s.model.dangling(); r != nil {
		t.Fatalf("%+v refers to a record that is not there", *r)
	}
	same(t, s.dump(t, s.bystander), s.untouched)
	same(t, s.dumpEdits(t, s.src), s.edits)
}

func decoded(a table.Attrs) map[string]any {
	out := map[string]any{}
	for name, v := range a.All() {
		switch v.Type {
		case table.Int:
			out[name] = v.Int()
		case table.Bool:
			out[name] = v.Bool()
		case table.String, table.Bytes, table.List:
			out[name] = v.Str()
		}
	}
	return out
}
