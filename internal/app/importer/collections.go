package importer

import (
	"encoding/json"
	"fmt"
	"os"

	"nagar/catalog"
	"nagar/internal/access/audit"
)

type defineCmd struct {
	Collection string `arg:"" help:"Name of the collection."`
	Schema     string `required:"" help:"JSON file with title, description, owner, licence, source, class, geometry and fields." placeholder:"FILE"`
	storeFlag
}

// Run creates or alters the collection and prints its description.
func (c *defineCmd) Run(con *console) error {
	b, err := os.ReadFile(c.Schema)
	if err != nil {
		return err
	}
	def, err := catalog.ParseCollection(b)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Schema, err)
	}
	if def.Name == "" {
		def.Name = c.Collection
	}
	if def.Name != c.Collection {
		return fmt.Errorf("%s describes %q, not %q", c.Schema, def.Name, c.Collection)
	}
	return withStore(con.ctx, c.storeFlag, func(s catalog.Store) error {
		if _, err := s.Define(con.ctx, def); err != nil {
			return fmt.Errorf("define %s: %w", c.Collection, err)
		}
		now, err := s.Collection(con.ctx, c.Collection)
		if err != nil {
			return err
		}
		return json.NewEncoder(con.stdout).Encode(now)
	})
}

type collectionsCmd struct{ storeFlag }

// Run prints each collection's description as a line of JSON.
func (c *collectionsCmd) Run(con *console) error {
	return withStore(con.ctx, c.storeFlag, func(s catalog.Store) error {
		all, err := s.Collections(con.ctx)
		if err != nil {
			return err
		}
		enc := json.NewEncoder(con.stdout)
		for _, one := range all {
			if err := enc.Encode(one); err != nil {
				return err
			}
		}
		return nil
	})
}

type checkCmd struct {
	AuditHead []string `help:"Head of the audit log, as check printed it before: the log must still hold it." placeholder:"SEQ:HASH"`
	storeFlag
}

// Run prints each problem on stderr and a summary on stdout; a problem is a failure.
func (c *checkCmd) Run(con *console) error {
	var heads []audit.Head
	for _, s := range c.AuditHead {
		h, err := audit.ParseHead(s)
		if err != nil {
			return usageError{fmt.Errorf("--audit-head: %w", err)}
		}
		heads = append(heads, h)
	}
	return withStore(con.ctx, c.storeFlag, func(s catalog.Store) error {
		problems := 0
		err := s.Check(con.ctx, func(p catalog.Problem) error {
			problems++
			_, err := fmt.Fprintf(con.stderr, "%s/%s: %s\n", p.Collection, p.ID, p.Reason)
			return err
		})
		if err != nil {
			return fmt.Errorf("check: %w", err)
		}
		head, err := s.Head(con.ctx)
		if err != nil {
			return err
		}
		out := struct {
			Revision catalog.Rev   `json:"revision"`
			Problems int           `json:"problems"`
			Audit    *audit.Report `json:"audit,omitempty"`
			Head     string        `json:"audit_head,omitempty"` // to be kept elsewhere, for --audit-head
		}{Revision: head}
		if out.Audit, err = c.checkAudit(con.ctx, heads); err != nil {
			return fmt.Errorf("check the audit log: %w", err)
		}
		if out.Audit != nil {
			out.Head = out.Audit.Head.String()
			if b := out.Audit.Broken; b != nil {
				problems++
				fmt.Fprintf(con.stderr, "audit log, entry %d: %s\n", b.Seq, b.Reason)
			}
		}
		out.Problems = problems
		if err := json.NewEncoder(con.stdout).Encode(out); err != nil {
			return err
		}
		if problems > 0 {
			return fmt.Errorf("%d problems found", problems)
		}
		return nil
	})
}
