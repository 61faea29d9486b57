package console

import (
	"bytes"
	"encoding/json"
	"io"
	"net/url"
	"strings"

	"reseed/pkg/api/wire"
)

// receiptsOnPage is how many receipts a page lists.
const receiptsOnPage = 50

type receiptsPage struct {
	base
	Open     []openErase // erases without a receipt yet; on the first page only
	Receipts []receiptLine
	First    bool
	Next     string // address of the next page; empty if there is none
}

// openErase is an erase that has not ended.
type openErase struct {
	wire.Job
	What string
}

type receiptLine struct {
	wire.Receipt
	What string
}

// whatOf says what an erase was of.
func whatOf(selection string) string {
	kind, ok := erasingOf(selection)
	if !ok {
		return words(selection)
	}
	return kind.What
}

// listReceipts is GET /receipts.
func (c *Console) listReceipts(v *visit) (answer, error) {
	after := v.FormValue("after")
	list, err := v.client.ReceiptsAfter(v.ctx(), after, receiptsOnPage)
	if err != nil {
		return answer{}, err
	}
	p := receiptsPage{base: v.base("Receipts", "receipts"), First: after == ""}
	for _, r := range list.Receipts {
		p.Receipts = append(p.Receipts, receiptLine{r, whatOf(r.Selection)})
	}
	if list.HasMore && list.Cursor != nil {
		p.Next = "/receipts?after=" + url.QueryEscape(*list.Cursor)
	}
	if !p.First {
		return show("receipts", p), nil
	}
	erases, err := v.client.Erasures(v.ctx(), "")
	for _, j := range erases.Jobs {
		if !j.Status.Ended() {
			p.Open = append(p.Open, openErase{j, whatOf(j.Erase.Selection)})
		}
	}
	return show("receipts", p), err
}

type receiptPage struct {
	base
	Receipt   *wire.Receipt
	What      string
	Imports   int64 // whose files are gone
	Forgotten int64 // customers on the do-not-reload list
}

// showReceipt is GET /receipts/{id}, and GET /receipts/{id}.json for the same as a file.
func (c *Console) showReceipt(v *visit) (answer, error) {
	id, asFile := strings.CutSuffix(v.PathValue("id"), ".json")
	r, err := v.client.Receipt(v.ctx(), id)
	if err != nil {
		return answer{}, err
	}
	if !asFile {
		return show("receipt", receiptPage{v.base("Receipt of an erase", "receipts"), r, whatOf(r.Selection), int64(r.Imports), int64(r.Forgotten)}), nil
	}
	text, err := json.MarshalIndent(r, "", "  ")
	return download(io.NopCloser(bytes.NewReader(text)), "receipt-"+r.Job+".json", "application/json"), err
}
