package importer

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// totals are the results of all tasks of a job, added up.
type totals struct {
	summary
	cost table.Cost
}

// sums adds up the results of a job's tasks.
func (im *Importer) sums(ctx context.Context, j *job.Job) (totals, error) {
	var t totals
	tasks, err := im.c.Ledger.Tasks(ctx, j.ID, "")
	if err != nil {
		return t, err
	}
	for _, task := range tasks {
		r, err := resultOf(task)
		if err != nil {
			return t, err
		}
		t.cost = t.cost.Add(r.Cost)
		if task.State == job.TaskDone {
			t.add(r.Summary)
		}
	}
	return t, nil
}

// mention adds the datasets of an import that have no rows, so that the report lists them too.
func (s *summary) mention(j *job.Job) {
	if j.Import.Undo != "" {
		return
	}
	for _, ds := range j.Import.Datasets {
		if ds != job.RejectedStay {
			s.count(ds, func(*job.Counts) {})
		}
	}
}

// accounted checks that every row that was read is counted as exactly one outcome (I1).
func (s *summary) accounted(j *job.Job) error {
	for name, c := range s.Datasets {
		n := c.Added + c.Changed + c.Unchanged + c.Rejected
		if j.Import.Undo != "" { // it reads the changes of another job, and removes the rows which that job added
			n += c.Removed
		}
		if c.Read != n {
			return fault.Newf(fault.Internal, "sums_differ", "%s: %d rows read, but %d accounted for", name, c.Read, n)
		}
	}
	return nil
}

func (s *summary) rejected() (n int64) {
	for _, c := range s.Datasets {
		n += c.Rejected
	}
	return n
}

func (s *summary) read() (n int64) {
	for _, c := range s.Datasets {
		n += c.Read
	}
	return n
}

// gate stands between deciding and applying: every row is decided, every change set is stored, and
// no row is written. Here the import goes on, or stops as a plan, because the user asked for a plan
// or because the import would remove more rows than its limit allows (I4), or add stored ones again
// under other ids.
func (im *Importer) gate(ctx context.Context, j *job.Job) (*job.Job, error) {
	sum, err := im.sums(ctx, j)
	if err != nil {
		return nil, err
	}
	sum.mention(j)
	if err := sum.accounted(j); err != nil {
		return nil, err
	}
	if err := notEmpty(j, sum); err != nil {
		return nil, err
	}
	if j.Import.Undo != "" && sum.rejected() > 0 {
		if err := im.writeLeftAlone(ctx, j, sum.Rejects); err != nil {
			return nil, err
		}
	}
	if sum.Moved > 0 && sum.rejected() > 0 {
		return nil, fault.Newf(fault.Conflict, "moves_with_rejects",
			"External IDs (%d) would move to another invoice or customer, which needs a clean input, but %s rejected. Nothing was changed. Correct those rows, then import again.",
			sum.Moved, rows(sum.rejected()))
	}
	notes, confirm, err := im.questions(ctx, j, &sum)
	if err != nil {
		return nil, err
	}
	held := j.Import // questions has set what it takes back
	decided := func(j *job.Job) error {
		if err := goesOn(j); err != nil {
			return err
		}
		if j.Wrote() { // another worker was faster
			return errStopped
		}
		j.Datasets, j.Totals, j.Cost = sum.Datasets, sum.Totals, sum.cost
		sum.tellRejects(j)
		sum.tellFields(j)
		j.Notes = append(j.Notes, notes...)
		j.Import.Withheld, j.Import.Spared = held.Withheld, held.Spared
		j.Import.Removes, j.Import.Estimate = sum.removed() > 0, estimate(im.c.Store, sum)
		j.Import.UsedPlans = sum.usedPlans()
		j.Progress.BytesDone, j.Progress.RowsDone, j.Progress.ItemsTotal = j.Progress.BytesTotal, sum.read(), sum.Changes
		return nil
	}
	if !j.Import.Plan && confirm == "" {
		return im.pass(ctx, j, decided)
	}
	if err := im.dropRuns(ctx, j); err != nil {
		return nil, err
	}
	return im.end(ctx, j.ID, func(j *job.Job) error {
		err := decided(j)
		j.Status, j.Import.Parked, j.Import.Confirm = job.Planned, true, confirm
		return err
	})
}

// pass lets a job through the gate.
func (im *Importer) pass(ctx context.Context, j *job.Job, decided func(*job.Job) error) (*job.Job, error) {
	if err := im.mark(ctx, j); err != nil {
		return nil, err
	}
	return im.c.Ledger.Update(ctx, j.ID, func(j *job.Job) error {
		err := decided(j)
		j.Import.Applying = true
		return err
	})
}

// questions are what people should know of an import before it is applied, and why it waits for their
// yes; empty if it does not. An undo has none.
func (im *Importer) questions(ctx context.Context, j *job.Job, sum *totals) (notes []string, confirm string, err error) {
	if j.Import.Undo != "" {
		return nil, "", nil
	}
	beside, err := im.doubledNotes(ctx, j, &sum.summary)
	if err != nil {
		return nil, "", err
	}
	if j.Import.Plan || pulled(j) {
		notes = sum.alike()
	}
	notes = slices.Concat(notes, sum.withhold(j.Import), beside, sum.yielded(j.Import.Files), sum.remarks(j.Import.Files), sum.stillNamed(j))
	why := slices.DeleteFunc([]string{asked(j), lostDatasets(j), excess(j, *sum), tooChanged(j, *sum), sum.asSpelt()}, func(s string) bool { return s == "" })
	return notes, strings.Join(why, " "), nil
}

// tellRejects notes in a job how many rows were rejected, and why.
func (s *summary) tellRejects(j *job.Job) {
	j.Rejects, j.Reasons = s.rejected(), s.sorted()
	for file, n := range s.ByFile {
		j.Import.Files[file].Rejects = n
	}
}

// tellFields notes in a job in how many changed rows each field changes.
func (s *summary) tellFields(j *job.Job) {
	for ds, of := range s.Fields {
		if j.Import.Fields == nil {
			j.Import.Fields = map[string]map[string]int64{}
		}
		j.Import.Fields[ds] = of
	}
}

// notEmpty refuses a replace by an input without rows, unless the options allow it.
func notEmpty(j *job.Job, sum totals) error {
	if j.Import.Mode != job.Replace || j.Import.AllowEmpty || j.Import.Undo != "" {
		return nil
	}
	for _, ds := range j.Import.Datasets {
		if ds != string(billing.Edits) && ds != job.RejectedStay && sum.Datasets[ds].Read == 0 && !brought(j, ds) {
			return fault.Newf(fault.Invalid, "empty_input",
				"The input holds no rows of %s, and replacing would remove all that are stored. Nothing was changed. If that is meant, import it with --allow-empty (allow_empty over REST).", ds)
		}
	}
	return nil
}

// brought reports whether a pull brings all of a dataset, even if that is nothing.
func brought(j *job.Job, dataset string) bool {
	return slices.ContainsFunc(j.Import.Files, func(f job.File) bool { return f.Records && slices.Contains(f.Datasets, dataset) })
}

// withhold cancels all removals if any row was rejected: rows that seem to be missing may be among
// those that could not be read (I4). Of a pull it cancels only those that may be meant.
func (s *summary) withhold(spec *job.ImportSpec) (notes []string) {
	if spec.RejectedStay() {
		return s.takeBack(spec)
	}
	removed, rejected := s.removed(), s.rejected()
	if rejected == 0 {
		s.forgetUses()
	}
	if removed > 0 && rejected > 0 {
		for name := range s.Datasets {
			s.count(name, func(c *job.Counts) { c.Removed = 0 })
		}
		for i := range s.Totals {
			s.Totals[i].Removed = 0
		}
		s.Changes -= removed
		s.RemoveMilli = 0
		notes = append(notes, fmt.Sprintf(
			"%s kept although the input lacks them, because %s rejected: correct those and import again to have them removed.",
			rows(removed), rows(rejected)))
	}
	if s.Kept > 0 {
		notes = append(notes, fmt.Sprintf(
			"%s kept although the input lacks them, because stored rows of other datasets belong to them%s. Give those datasets in the same import, or erase the records.",
			rows(s.Kept), s.suchAsPlans()))
	}
	return append(notes, s.stillUsed()...)
}

const firstPlans = 5

// keptPlan notes the names of plans that stay although the input lacks them.
func (s *summary) keptPlan(names ...string) {
	s.KeptPlans = append(s.KeptPlans, names...)
	slices.Sort(s.KeptPlans)
	s.KeptPlans = s.KeptPlans[:min(len(s.KeptPlans), firstPlans)]
}

// suchAsPlans names plans that stay, and what uses them, as a part of a sentence; empty if there are
// none.
func (s *summary) suchAsPlans() string {
	if len(s.KeptPlans) == 0 {
		return ""
	}
	return ", such as to the plan " + s.withUses(s.KeptPlans)
}

// mostRemarks limits the sentences about cells in the notes of a job, whose item is limited.
const mostRemarks = 50

// remarks says what is unusual about the cells of each file.
func (s *summary) remarks(files []job.File) (notes []string) {
	for i, f := range files {
		for _, sentence := range s.Remarks[i].Sentences() {
			notes = append(notes, f.Name+": "+sentence)
		}
	}
	if more := len(notes) - mostRemarks; more > 0 {
		notes = append(notes[:mostRemarks], fmt.Sprintf("There are %d more notes of this kind about cells.", more))
	}
	return notes
}

// stillNamed says that the uploads of the import name people who were erased, and how to be rid of
// that.
func (s *summary) stillNamed(j *job.Job) []string {
	var who string
	switch n := len(s.Forgotten); n {
	case 0:
		return nil
	case 1:
		who = "1 customer"
	case mostForgotten:
		who = fmt.Sprintf("%d or more customers", n)
	default:
		who = fmt.Sprintf("%d customers", n)
	}
	return []string{fmt.Sprintf(
		"The files of this import still name %s on the do-not-reload list. Their rows were rejected, and are blank in the rejects. To be rid of the files once this has ended: reseed erase customer --source %s --external-id ID, for one of them. It deletes the uploads, change sets and rejects of all imports of the data source that have ended. Where the files came from, they have to be deleted there.",
		who, j.Source)}
}

// rows begins a sentence about n rows.
func rows(n int64) string {
	if n == 1 {
		return "1 row was"
	}
	return fmt.Sprintf("%d rows were", n)
}

// excess says why a removal needs a person's yes; empty if it does not.
func excess(j *job.Job, sum totals) string {
	for _, ds := range billing.Order() {
		removed, stored := sum.Datasets[string(ds)].Removed, sum.Stored[string(ds)]
		if removed*100 > int64(j.Import.MaxRemoved)*stored {
			return fmt.Sprintf("It would remove %d of %d stored rows of %s (%.1f %%), which is more than %d %%.",
				removed, stored, ds, 100*float64(removed)/float64(stored), j.Import.MaxRemoved)
		}
	}
	return ""
}

func (im *Importer) dropRuns(ctx context.Context, j *job.Job) error {
	_, err := im.c.Objects.DeleteAll(ctx, runsDir(j.ID))
	return err
}

// estimate says what applying will cost and how long it will take. The write units are exact unless
// stored rows change.
func estimate(st *store.Store, sum totals) *job.Estimate {
	e := &job.Estimate{
		Changes: sum.Changes, WriteUnits: float64(sum.WriteMilli+sum.RemoveMilli) / 1000, PricesOf: table.PricesOf,
		// For the check of a plan: it reads ranges where rows are dense, as the plan did, and other
		// rows one by one.
		ReadUnits: sum.cost.ReadUnits(),
	}
	if sum.removed() == 0 { // a removal also reads again what belongs to the removed rows
		e.ReadUnits = min(e.ReadUnits, float64(sum.Changes+sum.Grounds))
	}
	e.Dollars = table.Cost{WriteMilli: table.MilliUnits(e.WriteUnits), ReadMilli: table.MilliUnits(e.ReadUnits)}.Dollars()
	e.Seconds = e.WriteUnits / float64(st.UnitsASecond())
	return e
}
