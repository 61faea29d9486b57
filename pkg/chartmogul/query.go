package chartmogul

import (
	"errors"
	"net/http"
	"sync/atomic"

	"reseed/pkg/httpapi"
	"reseed/pkg/records"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// paging is what a list request asks for.
type paging struct {
	size  int
	after *position // nil on the first page
}

// sources are the sources that pass the list's data_source_uuid and system filters.
func (c *call) sources(a records.Account) []store.Source {
	id, system := c.Param("data_source_uuid"), c.Param("system")
	var out []store.Source
	for _, s := range a.Sources {
		if (id == "" || s.UUID == id) && (system == "" || s.System == system) {
			out = append(out, s)
		}
	}
	return out
}

// errHeavy says that the records of a page are too large to be held together.
var errHeavy = errors.New("chartmogul: a page is too large")

// lighter reads a page, and halves its size and reads again as long as its records are too large.
func lighter[T any](c *call, p paging, read func(paging) (T, error)) (T, error) {
	defer func() { c.room = nil }()
	for {
		if c.room = new(atomic.Int64); p.size == 1 {
			c.room = nil
		} else {
			c.room.Store(2 * maxHeld)
		}
		page, err := read(p)
		if !errors.Is(err, errHeavy) {
			return page, err
		}
		p.size /= 2
	}
}

// hold subtracts the size of items from what may still be held for a page, or returns errHeavy.
func (c *call) hold(items ...table.Item) error {
	size := 0
	for _, it := range items {
		size += len(it.SK) + len(it.Attrs)
	}
	return c.holdBytes(size)
}

func (c *call) holdBytes(size int) error {
	if c.room == nil {
		return nil
	}
	if c.room.Add(int64(-size)) < 0 {
		return errHeavy
	}
	return nil
}

// paging reads per_page, cursor and the deprecated page, which may only be 1.
func (c *call) paging(kind byte) (paging, error) {
	size, err := c.PerPage()
	p := paging{size: size}
	if err != nil {
		return p, err
	}
	if v := c.Param("page"); v != "" && v != "1" {
		return p, httpapi.Problem(http.StatusBadRequest, "page", `Parameter "page" is deprecated`)
	}
	if v := c.Param("cursor"); v != "" {
		at, ok := parseCursor(kind, v)
		if !ok {
			return p, httpapi.Unusable("cursor")
		}
		p.after = &at
	}
	return p, nil
}

// cut makes a page of the records that were read: one more than a page holds, if there are more. at
// returns a record's place, and read the share of the whole list (0 to 1] that ends with a record.
func cut[T any](p paging, found []T, at func(T) position, read func(last T) float64) ([]T, httpapi.Paged) {
	out := httpapi.Paged{HasMore: len(found) > p.size}
	total := 0
	if len(found) > 0 {
		total = 1
	}
	if out.HasMore {
		total = max(2, int(float64(len(found))/read(found[p.size])/float64(p.size)+0.999999))
		found = found[:p.size]
	}
	if len(found) > 0 {
		s := at(found[len(found)-1]).cursor()
		out.Cursor = &s
	}
	if p.after == nil {
		one := 1
		out.CurrentPage, out.TotalPages = &one, &total
	}
	return found, out
}

// everything is the share for a list that was read whole.
func everything[T any](T) float64 { return 1 }

// share is how far into the sources' hash space a record lies, (0 to 1]. Identities are evenly
// spread, so that is an estimate of how much of a list was read.
func share(sources []store.Source, tag store.Tag, h store.H) float64 {
	before := 0
	for _, s := range sources {
		if s.Tag < tag {
			before++
		}
	}
	return max(1e-9, (float64(before)+float64(h.Number())/(1<<32))/float64(max(1, len(sources))))
}
