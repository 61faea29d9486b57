package sheets_test

import (
	"testing"

	"reseed/pkg/source/sheets"
)

func TestAdvice(t *testing.T) {
	t.Parallel()
	said := map[string]string{"": ""}
	for _, code := range []string{
		sheets.CodeChanged, sheets.CodeNotShared, sheets.CodeTrashed, sheets.CodeNotASheet, sheets.CodeTooManyTabs, sheets.CodeNoDatasets, sheets.CodeNoRows,
		sheets.CodeBusy, sheets.CodeUnreachable, sheets.CodeKeyRefused, sheets.CodeAPIDisabled, sheets.CodeRefused,
	} {
		text := sheets.Advice(code)
		if other, twice := said[text]; twice {
			t.Errorf("%s: the advice is %q, as for %q", code, text, other)
		}
		said[text] = code
	}
	if text := sheets.Advice("source_erased"); text != "" {
		t.Errorf("advice on another code: %q", text)
	}
}
