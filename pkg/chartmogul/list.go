package chartmogul

import (
	"reseed/pkg/httpapi"
)

// spell adds the records of a page to none, and ends the page where an answer is full: the next
// goes on from there.
func spell[T any](out httpapi.Elements, page []T, tail *httpapi.Paged, at func(T) position, record func(T) any) httpapi.Elements {
	out.Most = len(page)
	for i, r := range page {
		if !out.Add(record(r)) {
			endPage(tail, at(page[i-1]), len(page), i)
			break
		}
	}
	return out
}

// endPage makes a page end at a place, with n of its records in place of size.
func endPage(p *httpapi.Paged, at position, size, n int) {
	cursor := at.cursor()
	p.Cursor, p.HasMore = &cursor, true
	if p.TotalPages != nil {
		total := max(2, (*p.TotalPages*size+n-1)/n)
		p.TotalPages = &total
	}
}
