package store_test

import (
	"slices"
	"testing"
	"time"

	"golang.org/x/text/unicode/norm"

	"reseed/pkg/fault"
	"reseed/pkg/store"
)

func TestASourceIsFoundByAnySpellingOfItsName(t *testing.T) {
	t.Parallel()
	composed := norm.NFC.String("Amp & Söhne")
	decomposed := norm.NFD.String(composed)
	for name, tt := range map[string]struct {
		stored []string // uuids are 0, 1, …
		asked  string
		want   []string
	}{
		"as it is":                 {[]string{composed, "Other"}, composed, []string{"0"}},
		"decomposed":               {[]string{"Other", composed}, decomposed, []string{"1"}},
		"spaces, and another case": {[]string{composed}, "\u00a0 AMP & SÖHNE ", []string{"0"}},
		"stored with spaces":       {[]string{composed + " "}, decomposed, []string{"0"}},
		"two, the first is exact":  {[]string{composed, decomposed}, composed, []string{"0", "1"}},
		"two, the second is exact": {[]string{composed, decomposed}, decomposed, []string{"1", "0"}},
		"two, none is exact":       {[]string{composed, decomposed}, composed + " ", []string{"0", "1"}},
		"by uuid":                  {[]string{composed, decomposed}, "1", []string{"1"}},
		"another name":             {[]string{composed}, "Amp & Sohne", nil},
		"no name":                  {[]string{composed}, " ", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := &store.Directory{}
			for i, s := range tt.stored {
				d.Sources = append(d.Sources, store.Source{UUID: string(rune('0' + i)), Name: s})
			}
			var got []string
			for _, s := range d.Named(tt.asked) {
				got = append(got, s.UUID)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("it means %q, want %q", got, tt.want)
			}
			for _, s := range d.Sources {
				if other := len(tt.stored) == 2 && tt.stored[1] == decomposed; (d.NamesakeNote(s) != "") != other {
					t.Errorf("note of %q: %q", s.Name, d.NamesakeNote(s))
				}
			}
		})
	}
}

func TestNewNamesAreStoredInTheirNormalForm(t *testing.T) {
	t.Parallel()
	d := &store.Directory{NextTag: 1}
	made, err := d.Add("ds_1", norm.NFD.String(" Söhne "), "CSV", time.Now())
	if err != nil || made.Name != norm.NFC.String("Söhne") {
		t.Fatalf("%+q %v", made.Name, err)
	}
	for _, name := range []string{"Söhne", "SÖHNE\u00a0", norm.NFD.String("söhne")} {
		if _, err := d.Add("ds_2", name, "CSV", time.Now()); !fault.Is(err, fault.Conflict) {
			t.Errorf("%+q: %v", name, err)
		}
	}
}

// A source that was erased and made again in another spelling finds its entries of the
// do-not-reload list, and no other name does.
func TestNamesOfTheDoNotReloadList(t *testing.T) {
	t.Parallel()
	hr := store.NewHasher([]byte("key"))
	composed, decomposed := norm.NFC.String("Söhne"), norm.NFD.String("Söhne")
	for _, made := range []string{composed, decomposed} {
		entry, _ := hr.ForgottenH(made, "")
		for _, now := range []string{composed, decomposed, " " + decomposed, "SÖHNE"} {
			if !slices.Contains(hr.ForgottenNames(now), entry) {
				t.Errorf("made as %+q, not found as %+q", made, now)
			}
		}
		if slices.Contains(hr.ForgottenNames("Sohne"), entry) {
			t.Errorf("%+q is found under another name", made)
		}
	}
	if n := len(hr.ForgottenNames("Acme")); n != 1 {
		t.Errorf("a plain name has %d identities", n)
	}
	if first, _ := hr.ForgottenH(decomposed, ""); hr.ForgottenNames(decomposed)[0] != first {
		t.Error("the first is not that of new entries")
	}
}
