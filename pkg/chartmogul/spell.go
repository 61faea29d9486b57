package chartmogul

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// speller is an answer, or a part of one, that spells its own JSON: what lists are made of, many at a time, for which
// encoding/json would take longer than all the rest of the request. What it spells is what encoding/json would.
type speller interface {
	appendTo(b []byte) []byte
}

// spelled appends any value as JSON, with <, > and & as they are.
func spelled(b []byte, v any) ([]byte, error) {
	if s, ok := v.(speller); ok {
		return s.appendTo(b), nil
	}
	buf := bytes.NewBuffer(b)
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), err
}

// appendText appends a text.
func appendText(b []byte, s string) []byte {
	if !plain(s) {
		b, _ = spelled(b, s) // a text never fails
		return b
	}
	return appendPlain(b, s)
}

// plain tells whether a text stands in JSON as it is. Of some it does not see it.
func plain(s string) bool {
	ascii := true
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ', c == '"', c == '\\', c == 0xe2: // U+2028 begins with that, and is escaped
			return false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return ascii || utf8.ValidString(s)
}

// appendPlain appends a text that is known to be plain.
func appendPlain(b []byte, s string) []byte { return append(append(append(b, '"'), s...), '"') }

// appendTexts appends a list of texts.
func appendTexts(b []byte, list []string) []byte {
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, s)
	}
	return append(b, ']')
}

// appendTo appends the customer.
func (w *customerWire) appendTo(b []byte) []byte {
	b = strconv.AppendUint(append(b, `{"id":`...), uint64(w.ID), 10)
	b = appendPlain(append(b, `,"uuid":`...), w.UUID)
	b = appendText(append(b, `,"external_id":`...), w.ExternalID)
	b = appendText(append(b, `,"name":`...), w.Name)
	b = appendText(append(b, `,"email":`...), w.Email)
	b = appendPlain(append(b, `,"status":`...), w.Status)
	b = w.CustomerSince.appendTo(append(b, `,"customer-since":`...))
	b = w.Attributes.appendTo(append(b, `,"attributes":`...))
	b = appendPlain(append(b, `,"data_source_uuid":`...), w.DataSourceUUID)
	b = appendTexts(append(b, `,"data_source_uuids":`...), w.DataSourceUUIDs)
	b = appendTexts(append(b, `,"external_ids":`...), w.ExternalIDs)
	b = appendText(append(b, `,"company":`...), w.Company)
	b = w.Country.appendTo(append(b, `,"country":`...))
	b = w.State.appendTo(append(b, `,"state":`...))
	b = w.City.appendTo(append(b, `,"city":`...))
	b = w.Zip.appendTo(append(b, `,"zip":`...))
	b = w.LeadCreatedAt.appendTo(append(b, `,"lead_created_at":`...))
	b = w.FreeTrialStartedAt.appendTo(append(b, `,"free_trial_started_at":`...))
	b = w.Address.Country.appendTo(append(b, `,"address":{"country":`...))
	b = w.Address.State.appendTo(append(b, `,"state":`...))
	b = w.Address.City.appendTo(append(b, `,"city":`...))
	b = w.Address.Zip.appendTo(append(b, `,"address_zip":`...))
	b = strconv.AppendInt(append(b, `},"mrr":`...), w.MRR, 10)
	b = strconv.AppendInt(append(b, `,"arr":`...), w.ARR, 10)
	b = w.BillingSystemURL.appendTo(append(b, `,"billing-system-url":`...))
	b = appendText(append(b, `,"chartmogul-url":`...), w.ChartMogulURL)
	b = appendText(append(b, `,"billing-system-type":`...), w.BillingSystemType)
	b = appendText(append(b, `,"currency":`...), w.Currency)
	b = appendText(append(b, `,"currency-sign":`...), w.CurrencySign)
	b = w.Owner.appendTo(append(b, `,"owner":`...))
	b = w.WebsiteURL.appendTo(append(b, `,"website_url":`...))
	return append(b, '}')
}

// appendTo appends what people added to a customer.
func (w *attributesWire) appendTo(b []byte) []byte {
	b = appendTexts(append(b, `{"tags":`...), w.Tags)
	b = append(b, `,"stripe":{},"custom":`...)
	if len(w.Custom) == 0 {
		b = append(b, '{', '}')
	} else {
		b, _ = spelled(b, w.Custom) // texts, numbers and truth values never fail
	}
	if w.Truncated {
		b = append(b, `,"truncated":true`...)
	}
	return append(b, '}')
}
