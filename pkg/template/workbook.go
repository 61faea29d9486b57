package template

import (
	"cmp"
	"fmt"
	"io"

	"github.com/xuri/excelize/v2"

	"reseed/pkg/billing"
	"reseed/pkg/source/grid"
)

// Workbook writes a workbook (.xlsx) with a tab for each dataset: its header row, a note on each
// column, a list to choose from where a column takes a few words, and formats that keep values as
// they are typed.
func Workbook(w io.Writer) (err error) {
	b := book{file: excelize.NewFile()}
	defer func() { err = cmp.Or(err, b.file.Close()) }()
	if err := b.styles(); err != nil {
		return err
	}
	first := b.file.GetSheetName(0)
	for _, ds := range Datasets() {
		if err := b.tab(ds); err != nil {
			return fmt.Errorf("tab of %s: %w", ds, err)
		}
	}
	if err := b.hideLists(); err != nil {
		return err
	}
	if err := b.file.DeleteSheet(first); err != nil {
		return err
	}
	b.file.SetActiveSheet(0)
	return b.file.Write(w)
}

// book is a workbook in the making. Lists of words stand in a hidden tab: a rule has room for 255
// characters only.
type book struct {
	file                         *excelize.File
	header, required, text, date int        // styles
	lists                        [][]string // columns of the hidden tab
}

const listsTab = "Lists"

func (b *book) styles() (err error) {
	add := func(s excelize.Style) (id int) {
		if err == nil {
			id, err = b.file.NewStyle(&s)
		}
		return id
	}
	fill := func(color string) excelize.Fill {
		return excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{color}}
	}
	const textFormat = 49
	date := "yyyy-mm-dd"
	b.header = add(excelize.Style{Font: &excelize.Font{Bold: true}, Fill: fill("E8EEF7")})
	b.required = add(excelize.Style{Font: &excelize.Font{Bold: true}, Fill: fill("C6D9F1")})
	b.text = add(excelize.Style{NumFmt: textFormat})
	b.date = add(excelize.Style{CustomNumFmt: &date})
	return err
}

func (b *book) tab(ds billing.Dataset) error {
	name := title(ds)
	if _, err := b.file.NewSheet(name); err != nil {
		return err
	}
	for i, f := range columnsOf(ds) {
		if err := b.column(name, i, ds, f); err != nil {
			return fmt.Errorf("column %s: %w", f.Column, err)
		}
	}
	return b.file.SetPanes(name, &excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"})
}

func (b *book) column(tab string, i int, ds billing.Dataset, f billing.Field) error {
	letters, cell := grid.Letters(i), grid.CellName(1, i)
	style, head := b.text, b.header
	switch f.Is {
	case "time":
		style = b.date
	case "cents", "integer", "truth":
		style = 0
	}
	if f.Required {
		head = b.required
	}
	const narrowest = 14
	steps := []func() error{
		func() error {
			return b.file.SetColWidth(tab, letters, letters, float64(max(narrowest, len(f.Column)+2)))
		},
		func() error { return b.file.SetColStyle(tab, letters, style) },
		func() error { return b.file.SetCellStr(tab, cell, f.Column) },
		func() error { return b.file.SetCellStyle(tab, cell, cell, head) },
		func() error {
			return b.file.AddComment(tab, excelize.Comment{Cell: cell, Author: "Reseed", Paragraph: []excelize.RichTextRun{{Text: about(ds, f)}}, Width: 260, Height: 110})
		},
		func() error { return b.choice(tab, letters, choices(ds, f)) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// choice lets people choose from words in a column.
func (b *book) choice(tab, letters string, words []string) error {
	if len(words) == 0 {
		return nil
	}
	list := grid.Letters(len(b.lists))
	b.lists = append(b.lists, words)
	rule := excelize.NewDataValidation(true)
	rule.SetSqref(fmt.Sprintf("%s2:%s1048576", letters, letters))
	rule.SetSqrefDropList(fmt.Sprintf("%s!$%s$1:$%s$%d", listsTab, list, list, len(words)))
	rule.SetError(excelize.DataValidationErrorStyleStop, "Not in the list", "Choose one of the list, or leave the cell blank.")
	return b.file.AddDataValidation(tab, rule)
}

// hideLists writes the lists to a tab at the end, and hides it.
func (b *book) hideLists() error {
	if _, err := b.file.NewSheet(listsTab); err != nil {
		return err
	}
	for i, words := range b.lists {
		for row, word := range words {
			if err := b.file.SetCellStr(listsTab, grid.CellName(int64(row+1), i), word); err != nil {
				return err
			}
		}
	}
	return b.file.SetSheetVisible(listsTab, false)
}
