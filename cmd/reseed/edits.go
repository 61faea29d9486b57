package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

func editsCommand(sh *shell) *cobra.Command {
	var orphaned bool
	c := &cobra.Command{
		Use:   "edits NAME",
		Short: "List what people have done to the records of a data source, or drop what is left of erased ones",
		Long: `List what people have done to the records of a data source: changed fields, disabled and deleted rows, tags,
custom attributes, and merges of customers. Edits stay whatever is imported. One whose record is not there
is orphaned: it counts again when the record comes back. --json prints one JSON object a line.`,
		Example: `  reseed edits Billing
  reseed edits Billing --orphaned --json
  reseed edits drop Billing`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return sh.withSource(c, args[0], func(cl *client, s source) error { return sh.listEdits(c, cl, s, orphaned) })
		},
	}
	c.Flags().BoolVar(&orphaned, "orphaned", false, "only those whose records are not there")
	drop := &cobra.Command{
		Use: "drop NAME", Short: "Drop the orphaned edits of a data source", Args: cobra.ExactArgs(1),
		Example: "  reseed edits drop Billing",
		RunE: func(c *cobra.Command, args []string) error {
			return sh.withSource(c, args[0], func(cl *client, s source) error {
				var out struct {
					Dropped int `json:"dropped"`
				}
				if err := cl.call(c.Context(), http.MethodDelete, "/v1/data_sources/"+s.UUID+"/edits?orphaned=true", nil, &out); err != nil {
					return err
				}
				return sh.show(out, "Dropped %d orphaned edits.\n", out.Dropped)
			})
		},
	}
	c.AddCommand(sh.addJSONFlag(drop))
	return sh.addJSONFlag(c)
}

// withSource lets do use the data source of a name.
func (sh *shell) withSource(c *cobra.Command, name string, do func(*client, source) error) error {
	return sh.with(c.Context(), func(cl *client) error {
		s, ok, err := cl.sourceNamed(c.Context(), name)
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("there is no data source %q; to see what there is: %s", name, sh.again("sources list"))
		}
		return do(cl, s)
	})
}

// editLine is an edit as the API tells it. Error is the last line of a list that broke off.
type editLine struct {
	ID        string    `json:"id"`
	What      []string  `json:"what"`
	Orphaned  bool      `json:"orphaned"`
	Author    string    `json:"author"`
	ChangedAt time.Time `json:"changed_at"`
	Error     string    `json:"error"`
}

func (sh *shell) listEdits(c *cobra.Command, cl *client, s source, orphaned bool) error {
	resp, err := cl.do(c.Context(), http.MethodGet, fmt.Sprintf("/v1/data_sources/%s/edits?format=ndjson&orphaned=%t", s.UUID, orphaned), nil, "")
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	w := tabwriter.NewWriter(sh.out, 0, 0, 2, ' ', 0)
	n := 0
	err = eachEdit(resp.Body, func(line []byte, e editLine) {
		switch {
		case sh.json:
			_ = sh.copyOut(bytes.NewReader(line))
		case n == 0:
			_, _ = fmt.Fprintln(w, "RECORD\tEDIT\tBY\tAT\t")
			fallthrough
		default:
			mark := ""
			if e.Orphaned {
				mark = "orphaned"
			}
			fprintf(w, "%s\t%s\t%s\t%s\t%s\n", e.ID, strings.Join(e.What, ", "), e.Author, e.ChangedAt.Format("2006-01-02 15:04"), mark)
		}
		n++
	})
	if err == nil && n == 0 && !sh.json {
		sh.printf("No edits.\n")
	}
	return errors.Join(err, w.Flush())
}

// eachEdit reads a list of edits, a line each.
func eachEdit(r io.Reader, do func(line []byte, e editLine)) error {
	for in := bufio.NewReader(r); ; {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var e editLine
		if err := json.Unmarshal(line, &e); err != nil {
			return err
		}
		if e.Error != "" {
			return errors.New(e.Error)
		}
		do(line, e)
	}
}
