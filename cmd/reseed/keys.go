package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
)

func keysCommand(sh *shell) *cobra.Command {
	c := &cobra.Command{
		Use:   "keys",
		Short: "List, add and remove API keys",
		Long: `List, add and remove API keys. A key may do everything over the REST API. Edits and
receipts name the key's name as the author. A key is shown once, when it is made;
only its hash is kept.

The server on this data folder accepts an added key, and refuses a removed one, at
once; other servers on the same table do within two seconds. Keys that come from
settings (RESEED_API_KEY, RESEED_API_KEY_HASHES, or api-key.sha256 in the data
folder) are listed, too; to remove one, change the setting. Commands on the data
folder need no key.`,
		Example: `  reseed keys add "Nightly import"
  reseed keys list
  reseed keys rm "Nightly import"`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return sh.listKeys(c) },
	}
	list := &cobra.Command{
		Use: "list", Short: "List the API keys, without the keys themselves", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return sh.listKeys(c) },
	}
	add := &cobra.Command{
		Use: "add NAME", Short: "Make an API key and show it once", Args: cobra.ExactArgs(1),
		Example: `  reseed keys add "Nightly import"`,
		RunE:    func(c *cobra.Command, args []string) error { return sh.addKey(c, args[0]) },
	}
	rm := &cobra.Command{
		Use: "rm NAME", Short: "Remove an API key", Args: cobra.ExactArgs(1),
		Example: `  reseed keys rm "Nightly import"`,
		RunE:    func(c *cobra.Command, args []string) error { return sh.removeKey(c, args[0]) },
	}
	c.AddCommand(sh.addJSONFlag(list), sh.addJSONFlag(add), sh.addJSONFlag(rm))
	return sh.addJSONFlag(c)
}

func (sh *shell) listKeys(c *cobra.Command) error {
	return sh.with(c.Context(), func(cl *client.Client) error {
		list, err := cl.Keys(c.Context())
		if err != nil {
			return err
		}
		if sh.json {
			return sh.show(wire.Keys{Keys: list}, "")
		}
		if len(list) == 0 {
			sh.printf("No API keys. \"reseed keys add NAME\" makes one.\n")
			return nil
		}
		w := tabwriter.NewWriter(sh.out, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(w, "NAME\tMADE\tBY")
		for _, k := range list {
			made := "a setting"
			if k.CreatedAt != nil {
				made = k.CreatedAt.Format("2006-01-02 15:04")
			}
			fprintf(w, "%s\t%s\t%s\n", k.Name, made, k.CreatedBy)
		}
		return w.Flush()
	})
}

func (sh *shell) addKey(c *cobra.Command, name string) error {
	return sh.with(c.Context(), func(cl *client.Client) error {
		k, err := cl.AddKey(c.Context(), name)
		if err != nil {
			return err
		}
		return sh.show(k, "API key of %s: %s\nIt is shown this once; only its hash is kept.\n", k.Name, k.Key)
	})
}

func (sh *shell) removeKey(c *cobra.Command, name string) error {
	return sh.with(c.Context(), func(cl *client.Client) error {
		out, err := cl.RemoveKey(c.Context(), name)
		if client.IsNotFound(err) {
			return fmt.Errorf("there is no API key %q; to see what there is: %s", name, sh.again("keys list"))
		}
		if err != nil {
			return err
		}
		if err := sh.show(out, "Removed the API key of %s.\n", out.Removed); err != nil || sh.json || out.Left > 0 {
			return err
		}
		sh.printf("No key is left: nobody gets in over the network until there is one. The next start of the server makes one, or now: %s\n",
			sh.again("keys add NAME"))
		return nil
	})
}
