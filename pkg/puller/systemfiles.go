package puller

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"reseed/pkg/billing"
	"reseed/pkg/bundle"
	"reseed/pkg/fault"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/source/system"
)

// mapping is how far raw pages are mapped, with the settings of when that began.
type mapping struct {
	Settings system.Settings `json:"settings"`
	State    bundle.State    `json:"state"`
	Late     int             `json:"late,omitempty"` // how often in a row the next step has not ended in the time of a function
}

// CodeTooLong is the code of the error if a step of mapping never ends in the time that a function has.
const CodeTooLong = "system_too_large"

// mostLate is how often in a row a step may be late. Only the first time others have taken some of its time.
const mostLate = 3

// runsDir is the folder of what is sorted while raw pages are mapped.
func runsDir(jobID string) string { return importer.InputDir(jobID) + "runs/" }

// raw is the bundler of the raw pages of a job, its own or those that it reprocesses.
func (r *run) raw(of string) bundle.Config {
	return bundle.Config{
		Objects: r.p.c.Objects, Raw: importer.RawDir(of), Dir: runsDir(r.job.ID), Out: importer.InputDir(r.job.ID) + "records/",
	}
}

// bundler makes files of raw pages.
func (r *run) bundler(sys system.System, of string) *bundle.Bundler {
	c := r.raw(of)
	c.System, c.Settings = sys, r.state.Mapping.Settings
	return bundle.New(c)
}

// sort sorts the raw pages that there are so far.
func (r *run) sort(ctx context.Context, sys system.System, s System) error {
	if r.state.Mapping == nil {
		r.state.Mapping = &mapping{Settings: s.Mapping}
	}
	r.state.Mapping.State.Pages = r.state.Scan.Pages
	b := r.bundler(sys, r.job.ID)
	for !b.AllSorted(r.state.Mapping.State) {
		if err := r.step(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// step makes one step of mapping raw pages. It takes seconds. One that does not end in the time of a function is done again from its
// beginning, some times.
func (r *run) step(ctx context.Context, b *bundle.Bundler) error {
	if err := r.interrupted(ctx); err != nil {
		return err
	}
	m := r.state.Mapping
	next, err := inTime(ctx, func(ctx context.Context) (bundle.State, error) { return b.Step(ctx, m.State) })
	switch {
	case errors.Is(err, errStopped):
		if m.Late++; m.Late > mostLate {
			return fault.New(fault.Conflict, CodeTooLong, "The account has more than can be put together in the time that a function of AWS Lambda has. A server on a machine of its own has no such limit: see reseed serve.")
		}
		return errors.Join(errStopped, r.save(r.state))
	case err != nil:
		return err
	}
	m.State, m.Late = next, 0
	return r.save(r.state)
}

// makeFiles maps raw pages, and lists the files with the records.
func (r *run) makeFiles(ctx context.Context, sys system.System, s System, of string) error {
	b := r.bundler(sys, of)
	for !r.state.Mapping.State.Done {
		if err := r.step(ctx, b); err != nil {
			return err
		}
	}
	files, err := b.Files(ctx)
	if err != nil {
		return err
	}
	told, err := b.Told(ctx)
	if err != nil {
		return err
	}
	out := outcome{Notes: append([]string{r.from(s)}, told.Sentences()...)}
	if r.job.Import.Pull.Customer != "" && !slices.ContainsFunc(files, func(f bundle.File) bool { return !f.Catalog }) {
		out.Notes = append(out.Notes, s.Name+" knows no such customer. What is stored of it, if anything is, is removed.")
	}
	for _, f := range files {
		one, err := r.file(ctx, f)
		if err != nil {
			return err
		}
		out.Files = append(out.Files, one)
	}
	if len(out.Files) > 0 {
		out.Files[0].Datasets = datasets()
	}
	if out.Ask, err = r.ask(ctx); err != nil {
		return err
	}
	r.state.Result = &out
	return nil
}

// datasets are those of which a pull brings all rows that there are, even if that is none.
func datasets() (names []string) {
	for _, ds := range []billing.Dataset{billing.Plans, billing.Customers, billing.Invoices, billing.LineItems, billing.Transactions, billing.Events} {
		names = append(names, string(ds))
	}
	return names
}

func (r *run) file(ctx context.Context, f bundle.File) (job.File, error) {
	info, err := r.p.c.Objects.Stat(ctx, f.Object)
	return job.File{Name: f.Name, Object: f.Object, Version: info.Version, Size: info.Size, Records: true}, err
}

// from says in a report what was pulled.
func (r *run) from(s System) string {
	p := r.job.Import.Pull
	switch {
	case p.Reprocess:
		return fmt.Sprintf("Mapped anew, without reading %s: what the re-sync %s has read.", Whose(s.Name, s.Account), p.Raw)
	case p.Customer != "":
		return fmt.Sprintf("Read from %s, for one customer alone: %d objects.", Whose(s.Name, s.Account), r.state.Pulled)
	}
	return fmt.Sprintf("Read from %s: %d objects.", Whose(s.Name, s.Account), r.state.Pulled)
}

// reprocess maps the raw pages of the latest pull that has read everything.
func (r *run) reprocess(ctx context.Context, sys system.System, s System) error {
	from := r.job.Import.Pull.Raw
	if r.state.Mapping == nil {
		was, err := r.p.c.Ledger.Get(ctx, from)
		if fault.Is(err, fault.NotFound) {
			return errPullNeeded()
		}
		if err != nil {
			return err
		}
		pages, err := r.p.c.Objects.Names(ctx, importer.RawDir(from))
		if err != nil {
			return err
		}
		if !was.HasRaw() || len(pages) == 0 || len(pages) != was.Import.Pull.Pages {
			return errPullNeeded()
		}
		r.state.Pulled = was.Import.Pull.Objects
		r.state.Mapping = &mapping{Settings: s.Mapping, State: bundle.State{Pages: len(pages)}}
	}
	return r.makeFiles(ctx, sys, s, from)
}

// ask says why a reprocessing waits for a yes: rows that were changed or erased since the pull would come
// back. It is empty if none were, and of other pulls.
func (r *run) ask(ctx context.Context) (string, error) {
	p := r.job.Import.Pull
	if !p.Reprocess {
		return "", nil
	}
	was, err := r.p.c.Ledger.Get(ctx, p.Raw)
	if err != nil {
		return "", err
	}
	now, err := r.groundNow(ctx)
	if err != nil {
		return "", err
	}
	writer, _, err := r.p.c.Store.Marks(ctx, r.job.Tag)
	if err != nil {
		return "", err
	}
	switch ours, err := r.wrote(ctx, writer, p.Raw); {
	case err != nil:
		return "", err
	case !ours:
		return fmt.Sprintf("Since the re-sync %s, whose data this is, another job has changed rows of this data source (%s), or that re-sync was not applied. What it did would be overwritten.", p.Raw, writer), nil
	case now != was.Import.Pull.Ground:
		return fmt.Sprintf("Since the re-sync %s, whose data this is, rows of this data source were erased. What is not to come back must be left out.", p.Raw), nil
	}
	return "", nil
}

// wrote reports whether the job that has changed rows last is a pull, or has reprocessed what it has read.
func (r *run) wrote(ctx context.Context, writer, pull string) (bool, error) {
	if writer == pull {
		return true, nil
	}
	j, err := r.p.c.Ledger.Get(ctx, writer)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return j.Import != nil && j.Import.Pull != nil && j.Import.Pull.Reprocess && j.Import.Pull.Raw == pull && j.Import.UndoneBy == "", nil
}
