package importer

import (
	"cmp"
	"slices"
	"strings"

	"reseed/pkg/billing"
	"reseed/pkg/job"
)

// Limits of what is kept of reasons, since that becomes a part of the job's item.
const (
	mostReasons   = 50  // all further ones are one reason together
	firstRejected = 3   // rows of each reason
	mostSaid      = 400 // bytes of a sentence, or of the name of a column
)

// rejectCounts say why rows were rejected, and how many of each input file.
type rejectCounts struct {
	Reasons []job.Reason  `json:"reasons,omitempty"` // of different datasets, columns or codes
	ByFile  map[int]int64 `json:"rejects_by_file,omitempty"`
}

// add counts a row.
func (c *rejectCounts) add(at place, why rejection) {
	c.countFile(at.file, 1)
	r := c.reason(why.dataset, cut(why.column), why.code)
	r.Count++
	row := job.Rejected{File: at.file, Line: at.line}
	if n := len(r.First); n == firstRejected && compareRejected(row, r.First[n-1]) > 0 {
		return
	}
	row.Reason = cut(why.message)
	r.First = firstOf(append(r.First, row))
}

// addAll adds the counts of another task.
func (c *rejectCounts) addAll(o rejectCounts) {
	for file, n := range o.ByFile {
		c.countFile(file, n)
	}
	for _, more := range o.Reasons {
		r := c.reason(more.Dataset, more.Column, more.Code)
		r.Count += more.Count
		r.First = firstOf(slices.Concat(r.First, more.First))
	}
}

func (c *rejectCounts) countFile(file int, n int64) {
	if c.ByFile == nil {
		c.ByFile = map[int]int64{}
	}
	c.ByFile[file] += n
}

// reason finds a reason, or makes it. Once there are too many, it is the one of all others, which
// has no code.
func (c *rejectCounts) reason(dataset, column, code string) *job.Reason {
	same := func(r job.Reason) bool { return r.Code == code && r.Column == column && r.Dataset == dataset }
	i := slices.IndexFunc(c.Reasons, same)
	if i < 0 && len(c.Reasons) >= mostReasons {
		dataset, column, code = "", "", ""
		i = slices.IndexFunc(c.Reasons, same)
	}
	if i < 0 {
		i = len(c.Reasons)
		c.Reasons = append(c.Reasons, job.Reason{Dataset: dataset, Column: column, Code: code})
	}
	return &c.Reasons[i]
}

// sorted lists the reasons in the order in which people should see to them: rows of customers
// before the invoices that were rejected because of them, frequent reasons first.
func (c *rejectCounts) sorted() []job.Reason {
	order := billing.Datasets()
	rank := func(r job.Reason) int {
		if r.Code == "" {
			return len(order) + 1
		}
		if i := slices.Index(order, billing.Dataset(r.Dataset)); i >= 0 {
			return i
		}
		return len(order)
	}
	slices.SortStableFunc(c.Reasons, func(a, b job.Reason) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(b.Count, a.Count), compareRejected(a.First[0], b.First[0]), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Column, b.Column))
	})
	return c.Reasons
}

// firstOf returns the first rows in the order of the input.
func firstOf(rows []job.Rejected) []job.Rejected {
	slices.SortStableFunc(rows, compareRejected)
	return rows[:min(len(rows), firstRejected)]
}

func compareRejected(a, b job.Rejected) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
}

// cut cuts what is too long to be kept.
func cut(s string) string {
	if len(s) <= mostSaid {
		return s
	}
	return strings.ToValidUTF8(s[:mostSaid], "") + "…" // the last character may be cut
}
