package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"reseed/pkg/billing"
	"reseed/pkg/blocks"
	"reseed/pkg/fault"
	"reseed/pkg/job"
)

// Limits of what one page of a list reads. Where a filter finds less, the page ends there, and the
// next one goes on.
const (
	mostOfPage = 10_000    // changes or rejects
	mostOpened = 200       // objects
	mostPaged  = 256 << 10 // bytes, as they are stored, of what the page lists before its last row
)

// ChangeFilter selects changes. Zero values select all.
type ChangeFilter struct {
	Dataset billing.Dataset
	Action  Action
}

// ChangePage is a part of a change set, in its order.
type ChangePage struct {
	Changes  []Change
	Searched int    // changes that were read
	Next     string // cursor of the next page; empty after the last one
}

// ChangePage returns at most size changes behind a cursor that an earlier page of the same job gave;
// the first ones if it is empty. A page costs as much at the end of a large change set as at its
// beginning. It reads at most 10,000 changes, so a page of a filter may have none, and yet not be the
// last; a page of large rows is shorter. The error is that of [Importer.Exportable], or fault.Invalid, code [CodeBadCursor].
func (im *Importer) ChangePage(ctx context.Context, j *job.Job, f ChangeFilter, after string, size int) (ChangePage, error) {
	if err := im.Exportable(ctx, j); err != nil {
		return ChangePage{}, err
	}
	p := changePager{im: im, job: j, filter: f, sets: changeSets(j), size: size, unknown: map[string][]int{}}
	at, err := readChangePlace(after, len(p.sets))
	if err != nil || !p.may() {
		return ChangePage{}, err
	}
	if err := p.read(ctx, at); err != nil {
		return ChangePage{}, err
	}
	return p.page, p.findCurrencies(ctx)
}

// changePlace is a place in the change sets of a job.
type changePlace struct {
	set    int   // index in [changeSets]
	offset int64 // of a block in the set
	frame  int   // in the block
}

func (p changePlace) String() string { return fmt.Sprintf("%d-%d-%d", p.set, p.offset, p.frame) }

// readChangePlace reads a cursor.
func readChangePlace(s string, sets int) (p changePlace, err error) {
	if s == "" {
		return p, nil
	}
	n, err := readCursor(s, 3)
	if err != nil || n[0] >= int64(sets) || n[2] > blocks.MaxBlock {
		return p, errBadCursor()
	}
	return changePlace{int(n[0]), n[1], int(n[2])}, nil
}

// readCursor reads a cursor that consists of so many numbers.
func readCursor(s string, numbers int) ([]int64, error) {
	parts := strings.Split(s, "-")
	if len(parts) != numbers {
		return nil, errBadCursor()
	}
	out := make([]int64, numbers)
	for i, part := range parts {
		n, err := strconv.ParseInt(part, 10, 64)
		if err != nil || n < 0 || part != strconv.FormatInt(n, 10) {
			return nil, errBadCursor()
		}
		out[i] = n
	}
	return out, nil
}

// CodeBadCursor is the code of the error for a cursor that no page gave.
const CodeBadCursor = "bad_cursor"

func errBadCursor() error {
	return &fault.Error{Kind: fault.Invalid, Code: CodeBadCursor, Param: "cursor", Message: "This cursor is not one that an earlier page of this list gave."}
}

// changePager fills a page.
type changePager struct {
	im     *Importer
	job    *job.Job
	filter ChangeFilter
	sets   []setID
	size   int
	page   ChangePage
	listed int // bytes
	opened int

	owner   owner
	unknown map[string][]int // changes of parts whose currency is not known, by the keys of their invoices
}

// may reports whether the counts of the job leave room for changes that the filter selects.
func (p *changePager) may() bool {
	if p.filter.Action == "" || p.filter.Action == Kept || len(p.job.Datasets) == 0 {
		return true
	}
	for name, c := range p.job.Datasets {
		n := map[Action]int64{Added: c.Added, Changed: c.Changed, Removed: c.Removed}[p.filter.Action]
		if n > 0 && (p.filter.Dataset == "" || string(p.filter.Dataset) == name) {
			return true
		}
	}
	return false
}

// read reads from a place on.
func (p *changePager) read(ctx context.Context, at changePlace) error {
	for ; at.set < len(p.sets); at = (changePlace{set: at.set + 1}) {
		if p.skips(p.sets[at.set]) {
			continue
		}
		if p.opened == mostOpened {
			p.page.Next = at.String()
			return nil
		}
		p.opened++
		if full, err := p.readSet(ctx, at); full || err != nil {
			return err
		}
	}
	return nil
}

// skips reports whether a set can hold nothing that the filter selects.
func (p *changePager) skips(id setID) bool {
	if p.filter.Action == Kept {
		return id.stage != stageEdits
	}
	return p.filter.Dataset != "" && stageOf(p.filter.Dataset) != id.stage
}

// readSet reads one set from a place on. It reports whether the page is full, and then sets the
// cursor of the next one.
func (p *changePager) readSet(ctx context.Context, at changePlace) (full bool, err error) {
	set, err := p.open(ctx, at)
	if set == nil || err != nil {
		return false, err
	}
	defer set.close()
	for {
		at.offset, at.frame = set.blocks.Place()
		c, err := set.next()
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err == nil && p.full() {
			p.page.Next = at.String()
			return true, nil
		}
		if err == nil && p.page.Searched%1024 == 0 {
			err = ctx.Err()
		}
		if err != nil {
			return false, err
		}
		p.page.Searched++
		p.owner.see(&c)
		if p.takes(&c) {
			p.add(&c)
		}
	}
}

// add adds a change to the page.
func (p *changePager) add(c *change) {
	one := changeOf(p.job, c)
	if parent := parentOfPart(c.sk); parent != "" && parent == p.owner.sk {
		one.Currency = p.owner.currency
	} else if parent != "" {
		p.unknown[parent] = append(p.unknown[parent], len(p.page.Changes))
	}
	p.page.Changes = append(p.page.Changes, one)
	p.listed += len(c.before) + len(c.after)
}

func (p *changePager) full() bool {
	return len(p.page.Changes) == p.size || p.page.Searched == mostOfPage || p.listed >= mostPaged
}

// open opens a set at a place; nil if the job stopped before it decided that set.
func (p *changePager) open(ctx context.Context, at changePlace) (*changeReader, error) {
	name := p.sets[at.set].object(p.job.ID)
	info, err := p.im.c.Objects.Stat(ctx, name)
	if fault.Is(err, fault.NotFound) && p.job.Status != job.Done {
		return nil, nil //nolint:nilnil // nil is the answer: there is none
	}
	if err != nil {
		return nil, err
	}
	if at.offset >= info.Size {
		return nil, errBadCursor()
	}
	r, err := p.im.c.Objects.Open(ctx, name, info.Version, at.offset, -1)
	if err != nil {
		return nil, err
	}
	set := &changeReader{blocks: blocks.NewReader(r), closer: r}
	if err := p.seek(set, at); err != nil {
		set.close()
		return nil, err
	}
	return set, nil
}

// seek moves a set that was opened at the offset of a block to a frame of it. A cursor that was made up
// may lead to where no block is.
func (p *changePager) seek(set *changeReader, at changePlace) error {
	if at.offset == 0 && at.frame == 0 {
		return nil
	}
	frames, err := set.blocks.Resume(at.offset)
	if fault.Is(err, fault.Internal) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || err == nil && at.frame >= frames {
		return errBadCursor()
	}
	for n := 0; err == nil && n < at.frame; n++ {
		var c change
		if c, err = set.next(); err == nil {
			p.owner.see(&c)
		}
	}
	return err
}

// takes reports whether the page lists a change.
func (p *changePager) takes(c *change) bool {
	if withheld(p.job.Import, c) {
		return false
	}
	return (p.filter.Dataset == "" || c.dataset() == p.filter.Dataset) && (p.filter.Action == "" || c.action() == p.filter.Action)
}
