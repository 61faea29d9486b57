package chartmogul

import (
	"reseed/pkg/httpapi"
)

// spell adds the records of a page to out, which is empty. It ends the page where the answer is
// full; the next page goes on from there.
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

// endPage makes a page of size records end after n of them, the last one at a position.
func endPage(p *httpapi.Paged, at position, size, n int) {
	cursor := at.cursor()
	p.Cursor, p.HasMore = &cursor, true
	if p.TotalPages != nil {
		total := max(2, (*p.TotalPages*size+n-1)/n)
		p.TotalPages = &total
	}
}
