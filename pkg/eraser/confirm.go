package eraser

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
)

// CodeStale is the code of the error about a plan that is confirmed, but not what an erase would do
// now.
const CodeStale = "stale_plan"

// planLasts is how long a plan can be confirmed. It also limits how many jobs [Eraser.Begun] reads.
const planLasts = 24 * time.Hour

// clockSkew is how far the clocks of two processes may differ.
const clockSkew = 5 * time.Minute

// planID is what the id of a plan consists of.
type planID struct {
	at    int64  // when it was made, in Unix milliseconds: so no two erases are begun with equal ids
	asked string // digest of the request
	found string // digest of what the plan says would be removed
}

func (p planID) String() string { return fmt.Sprintf("%d-%s-%s", p.at, p.asked, p.found) }

// parsePlanID reads the id of a plan. Text that is none is a plan that nothing fits.
func parsePlanID(s string) planID {
	at, digests, _ := strings.Cut(s, "-")
	asked, found, _ := strings.Cut(digests, "-")
	ms, _ := strconv.ParseInt(at, 10, 64)
	return planID{ms, asked, found}
}

func digestOf(v any) string {
	text, _ := json.Marshal(v) // plain values never fail
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// asked digests what a request asks for. It needs no directory, so that it is the same when the
// source is gone.
func asked(sel Selection, opt Options) string {
	return digestOf(struct {
		Kind   Kind
		Names  Names
		Keep   *bool
		Forget bool
		Grace  *time.Duration
	}{sel.Kind, sel.Names, opt.KeepEdits, opt.Forget, opt.Grace})
}

// found digests what a plan says would be removed, and the ground on which it says so. What is known
// of exports does not count: a new export changes nothing of the erase.
func (p *Plan) found() string {
	return digestOf(struct {
		Ground    string
		Removes   Counts
		Pointers  Counts
		Records   []string
		KeepEdits bool
		Grace     float64
	}{p.Ground, p.Removes, p.Pointers, p.Records, p.KeepEdits, p.Grace})
}

// ground is what the directory says of a selection. An erase of a whole source, of what is in it, or
// of all manual customers changes it; tombstones tell whether single records are being erased.
func ground(d *store.Directory, sel Selection) string {
	if sel.Kind == ManualCustomers {
		return strconv.FormatInt(d.ManualEpoch, 10)
	}
	src, _ := d.ByUUID(sel.Source)
	return fmt.Sprint(src.Tag, src.Epochs)
}

// Begun returns the erase that was begun with the plan of the options, by a request that asked for the
// same; nil if there is none. Of the selection only the kind and the names matter.
func (e *Eraser) Begun(ctx context.Context, sel Selection, opt Options) (*job.Job, error) {
	id := parsePlanID(opt.Plan)
	made := time.UnixMilli(id.at)
	if opt.Plan == "" || id.asked != asked(sel, opt) || e.c.Now().Sub(made) > planLasts {
		return nil, nil //nolint:nilnil // there is no such job
	}
	for j, err := range e.c.Ledger.All(ctx, historyPage, "") {
		switch {
		case err != nil:
			return nil, err
		case j.Erase != nil && j.Erase.Plan == opt.Plan:
			return j, nil
		case j.CreatedAt.Before(made.Add(-clockSkew)):
			return nil, nil //nolint:nilnil // all other jobs are older than the plan
		}
	}
	return nil, nil //nolint:nilnil // there is no such job
}

// confirmed refuses the plan of the options, unless it is what an erase would do now. It returns that
// plan; nil if the options have none.
func (e *Eraser) confirmed(ctx context.Context, sel Selection, opt Options) (*Plan, error) {
	if opt.Plan == "" {
		return nil, nil //nolint:nilnil // nil is the answer: nothing was confirmed
	}
	now, err := e.Plan(ctx, sel, opt)
	if err != nil {
		return nil, err
	}
	was, is := parsePlanID(opt.Plan), parsePlanID(now.ID)
	if was.asked != is.asked || was.found != is.found || is.at-was.at > planLasts.Milliseconds() {
		return nil, stale()
	}
	return now, nil
}

func stale() error {
	return &fault.Error{
		Kind: fault.Conflict, Code: CodeStale, Param: "plan",
		Message: "What the plan says is not what the erase would do now. Nothing was erased; look at the new plan.",
	}
}

// stillOn refuses a confirmed plan if the directory says something else of the selection than it said
// when the plan was made. p is nil if none was confirmed.
func (p *Plan) stillOn(ground string) error {
	if p != nil && p.Ground != ground {
		return stale()
	}
	return nil
}

// stillOf refuses a confirmed plan if the erase is of other records: a customer was merged or unmerged
// since.
func (p *Plan) stillOf(spec *job.EraseSpec) error {
	if p != nil && !slices.Equal(p.Records, recordIDs(spec)) {
		return stale()
	}
	return nil
}
