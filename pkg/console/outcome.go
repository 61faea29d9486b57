package console

import (
	"fmt"
	"strings"

	"reseed/pkg/api/wire"
)

// activityOf says what a job does, in a few words.
func activityOf(j *wire.Job) string {
	switch {
	case j.Import != nil && j.Import.Undo != "":
		return "Undo"
	case j.Import != nil && j.Import.Origin == "pull":
		return "Re-sync"
	case j.Import != nil && len(j.Import.Files) > 0:
		return "Import of " + count(int64(len(j.Import.Files)), "file", "files")
	case j.Import != nil:
		return "Import"
	case j.Erase != nil:
		return "Erase: " + whatOf(j.Erase.Selection)
	case j.Export != nil && j.Export.Customer != "":
		return "Export of one customer"
	case j.Export != nil:
		return "Export"
	}
	return words(j.Kind) // of a later version
}

// sumOf is what became of the rows of all datasets together.
func sumOf(j *wire.Job) (sum wire.Counts) {
	for _, c := range j.Datasets {
		sum = sum.Add(c)
	}
	return sum
}

// outcomeOf says what a job has done, or what a plan would do, in numbers; empty if there are none yet.
func outcomeOf(j *wire.Job) string {
	var parts []string
	switch {
	case j.Import != nil && len(j.Datasets) > 0:
		sum := sumOf(j)
		for _, f := range wire.Figures(j.Import.Undo != "") {
			if n := f.Of(sum); n > 0 && f.Word != "unchanged" {
				parts = append(parts, number(n)+" "+f.Word)
			}
		}
		switch {
		case len(parts) == 0:
			return "nothing to change"
		case unwritten(j):
			return "no row has changed; it would have been " + strings.Join(parts, ", ")
		case halfway(j):
			return "not all of " + strings.Join(parts, ", ")
		}
	case j.Erase != nil && len(j.Erase.Removed) > 0:
		n := int64(0)
		for _, k := range j.Erase.Removed {
			n += k
		}
		return count(n, "item", "items") + " removed"
	case j.Export != nil && j.Status == wire.Done:
		n := int64(0)
		for _, k := range j.Export.Rows {
			n += k
		}
		return count(n, "row", "rows") + ", " + size(j.Export.Size)
	}
	return strings.Join(parts, ", ")
}

// unwritten reports whether an import or an undo has ended before it changed any row. What it counts
// would have been.
func unwritten(j *wire.Job) bool {
	return j.Import != nil && (j.Status == wire.Failed || j.Status == wire.Cancelled) && !halfway(j)
}

// halfway reports whether an import or an undo has ended when it had changed some rows, and not all. What
// it counts is what it would have changed in all.
func halfway(j *wire.Job) bool {
	return (j.State == "failed halfway" || j.State == "cancelled halfway") && j.ErrorCode != wire.Outdated
}

// lost reports whether a job is a preview that can't be imported any more, since an erase has deleted
// its files and its list of changes.
func lost(j *wire.Job) bool {
	return j.Status == wire.Planned && j.Import != nil && j.Import.FilesErased
}

// reasonOf says why a job stands as it does: why it failed, what it waits for, why rows were rejected.
func reasonOf(j *wire.Job) string {
	switch {
	case j.Error != "":
		return advice(j.Error)
	case lost(j):
		return "Data of its source was erased since this preview was made. Discard it."
	case j.Status == wire.Planned && j.Import != nil && j.Import.Confirm != "":
		return j.Import.Confirm
	case j.Status == wire.Planned:
		return "Nothing is changed before somebody presses " + jobPage{Job: j}.Verb() + "."
	case j.Status == wire.Waiting:
		return "Another job of this data source runs first."
	case j.Status == wire.Cancelled && len(j.Notes) > 0:
		return j.Notes[len(j.Notes)-1]
	}
	return rejectReason(j)
}

// rejectReason says for which reason most rows were rejected.
func rejectReason(j *wire.Job) string {
	if len(j.Reasons) == 0 {
		return ""
	}
	r := j.Reasons[0]
	what := words(r.Code)
	if what == "" {
		what = "several reasons"
	}
	if r.Column != "" {
		what += fmt.Sprintf(" (%s, column %s)", words(r.Dataset), r.Column)
	} else if r.Dataset != "" {
		what += " (" + words(r.Dataset) + ")"
	}
	text := count(r.Count, "row", "rows") + ": " + what
	if len(r.First) > 0 {
		text += ". First: " + advice(r.First[0].Reason)
	}
	if others := len(j.Reasons) - 1; others > 0 {
		text += " And " + count(int64(others), "other reason", "other reasons") + "."
	}
	return text
}

// byOf is who asked for a job; empty if that is not known.
func byOf(j *wire.Job) string {
	switch {
	case j.Import != nil:
		return j.Import.By
	case j.Erase != nil:
		return j.Erase.By
	case j.Export != nil:
		return j.Export.By
	}
	return ""
}
