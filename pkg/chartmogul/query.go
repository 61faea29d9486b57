package chartmogul

import (
	"errors"
	"net/http"
	"strconv"
	"sync/atomic"

	"reseed/pkg/records"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// maxPage is the most records on a page, and how many there are when nothing is asked for.
const maxPage = 200

// param is a query parameter; empty values count as absent (chartmogul-api §1.2).
func (c *call) param(name string) string { return c.URL.Query().Get(name) }

// flag is a boolean query parameter: true/false, or 1/0 from PHP.
func (c *call) flag(name string) bool {
	v := c.param(name)
	return v == "true" || v == "1"
}

// paging is what a list request asks for.
type paging struct {
	size  int
	after *position // nil on the first page
}

// sources are those that a list's data_source_uuid and system filters leave.
func (c *call) sources(a records.Account) []store.Source {
	id, system := c.param("data_source_uuid"), c.param("system")
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

// lighter reads a page, and then one of half the size as long as its records are too large.
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

// hold counts items against what a page may hold.
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

// perPage is how many records are asked for.
func (c *call) perPage() (int, error) {
	v := c.param("per_page")
	if v == "" {
		return maxPage, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 {
		return 0, unusable("per_page")
	}
	return min(n, maxPage), nil
}

// paging reads per_page, cursor and the deprecated page, of which only 1 is tolerated.
func (c *call) paging(kind byte) (paging, error) {
	size, err := c.perPage()
	p := paging{size: size}
	if err != nil {
		return p, err
	}
	if v := c.param("page"); v != "" && v != "1" {
		return p, failA(http.StatusBadRequest, "page", `Parameter "page" is deprecated`)
	}
	if v := c.param("cursor"); v != "" {
		at, ok := parseCursor(kind, v)
		if !ok {
			return p, unusable("cursor")
		}
		p.after = &at
	}
	return p, nil
}

// paged is the tail of every list. The keys that only a first page has are
// pointers: nil leaves them out.
type paged struct {
	CurrentPage *int    `json:"current_page,omitempty"`
	TotalPages  *int    `json:"total_pages,omitempty"`
	Cursor      *string `json:"cursor"`
	HasMore     bool    `json:"has_more"`
}

// cut makes a page of the records that were read, one more than fit if there are more.
// at tells a record's place; read is the share of the whole list that the records span (0 to 1].
func cut[T any](p paging, found []T, at func(T) position, read func(last T) float64) ([]T, paged) {
	out := paged{HasMore: len(found) > p.size}
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

// everything is the share of a list that was read whole.
func everything[T any](T) float64 { return 1 }

// share is how far into the sources' hash space a record lies. Identities are
// evenly spread, so this estimates what part of a list was read.
func share(sources []store.Source, tag store.Tag, h store.H) float64 {
	before := 0
	for _, s := range sources {
		if s.Tag < tag {
			before++
		}
	}
	return max(1e-9, (float64(before)+float64(h.Number())/(1<<32))/float64(max(1, len(sources))))
}
