package httpapi

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"nagar/catalog"
	"nagar/internal/access/audit"
	"nagar/internal/registry"
)

func structureWriteRoutes() []route {
	id := pathParameter("uid", "structure UID, with or without its dash, in any case", lengthSchema(maxUID))
	key := headerParameter("Idempotency-Key", "a second POST with the same key changes nothing and gets the first answer", lengthSchema(maxKey))
	match := headerParameter("If-Match", "ETag of the structure as the caller saw it; left out: whatever it is now", textSchema())
	done := answer{status: http.StatusCreated, text: "It is done", mediaType: typeJSON, schema: ref("StructureDone")}
	again := ok("It had been done before, under the same key", typeJSON, ref("StructureDone"))
	answers := []answer{done, again, problemAnswer(400), problemAnswer(401), problemAnswer(403), problemAnswer(404), problemAnswer(409), problemAnswer(412), problemAnswer(413), problemAnswer(415), problemAnswer(422), problemAnswer(503)}
	body := &content{text: "What happened: kind, date, evidence, and what belongs to the kind (docs/registry.md)", types: []string{typeJSON}, schema: ref("StructureCommand")}
	return []route{
		{method: http.MethodPost, path: "/api/structures", id: "registerStructure", tag: "structures", summary: "Register a structure that has no footprint yet, and give it its UID", write: true, bodyLimit: featureBody,
			params: []parameter{key}, body: body, answers: answers, handle: (*request).registerStructure},
		{method: http.MethodPost, path: "/api/structures/{uid}/events", id: "postStructureEvent", tag: "structures", write: true, bodyLimit: featureBody,
			summary: "Record what happened to a structure: status, correct, split, merge, replace, demolish, revive, units, alias, end_alias, undo",
			params:  []parameter{id, key, match}, body: body, answers: answers, handle: (*request).postStructureEvent},
	}
}

// registerStructure answers POST /api/structures.
func (r *request) registerStructure() error {
	if err := r.mayCommand(); err != nil {
		return err
	}
	cmd, err := r.command()
	if err != nil {
		return err
	}
	if cmd.Kind == "" {
		cmd.Kind = registry.Register
	}
	if cmd.Kind != registry.Register {
		return rejected(placeError{"kind", "here only register; the rest goes to the structure's events"})
	}
	return r.commanded(cmd, nil)
}

// postStructureEvent answers POST /api/structures/{uid}/events.
func (r *request) postStructureEvent() error {
	id, err := r.structureUID()
	if err != nil {
		return err
	}
	ctx := r.Request().Context()
	s, err := r.s.cfg.Structures.Structure(ctx, id, catalog.At{}, r.view, time.Now())
	if err != nil { // what the caller does not see is not there
		return structureError(id, err)
	}
	if err := r.mayCommand(); err != nil {
		return err
	}
	cmd, err := r.command()
	if err != nil {
		return err
	}
	if cmd.Kind == registry.Register {
		return rejected(placeError{"kind", "a structure is registered at /api/structures"})
	}
	cmd.UID = id
	match := strings.Join(r.Request().Header.Values("If-Match"), ",")
	if match == "" || strings.TrimSpace(match) == "*" {
		return r.commanded(cmd, nil)
	}
	// A repetition under the same key is answered even where its own first time has
	// changed the structure; so the register judges, and not we.
	seen := s.Rev
	if !matches(match, s.Rev) {
		seen = -1
	}
	return r.commanded(cmd, &seen)
}

// mayCommand refuses who sees no register, and who may not write its events.
func (r *request) mayCommand() error {
	info, ok := r.collection(registry.Structures)
	if !ok {
		return missing("path", "There is no register of structures here.")
	}
	events, ok := r.collection(registry.Events)
	if !ok || !r.view.Writes(&info.Collection) || !r.view.Writes(&events.Collection) {
		return forbidden("You may not write the register of structures.")
	}
	return nil
}

// command reads the body.
func (r *request) command() (*registry.Command, error) {
	body, err := r.body(typeJSON)
	if err != nil {
		return nil, err
	}
	cmd, err := registry.ParseCommand(body)
	return cmd, structureError("", err)
}

// commanded carries a command out and answers with what came of it.
func (r *request) commanded(cmd *registry.Command, seen *catalog.Rev) error {
	key, err := r.idempotencyKey(registry.Events)
	if err != nil {
		return err
	}
	// Past this point a caller who hangs up must not leave it open whether it happened.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Request().Context()), requestTime)
	defer cancel()
	by := registry.By{Author: r.author(), Actor: r.who.Name, Reason: r.reason(), View: r.view, Holder: r.holder(), Key: key, If: seen, Announce: r.announceAll, Undone: r.undoneAll}
	if by.Actor == "" {
		by.Actor = r.who.ID
	}
	done, err := r.s.cfg.Structures.Do(ctx, cmd, by)
	if err != nil {
		if seen != nil {
			err = stale(err)
		}
		return structureError(cmd.UID, inBody(err))
	}
	r.revision(done.Rev)
	h := r.Response().Header()
	h.Set("Location", r.baseURL()+"/api/structures/"+done.UID)
	r.caching()
	if done.Replayed {
		h.Set("Idempotency-Replayed", "true")
		return r.json(http.StatusOK, done)
	}
	return r.json(http.StatusCreated, done)
}

// perCollection calls fn with the ids of the operations on each collection, and of
// each kind, a bounded number at a time.
func perCollection(ops []catalog.Op, fn func(first *catalog.Op, ids []string) error) error {
	var done []int
	for i := range ops {
		if slices.Contains(done, i) {
			continue
		}
		var ids []string
		for j := i; j < len(ops); j++ {
			if ops[j].Collection == ops[i].Collection && ops[j].Kind == ops[i].Kind {
				ids, done = append(ids, ops[j].Feature.ID), append(done, j)
			}
		}
		for part := range slices.Chunk(ids, audit.MaxIDs) {
			if err := fn(&ops[i], part); err != nil {
				return err
			}
		}
	}
	return nil
}

// announceAll records writes before they are made.
func (r *request) announceAll(ops []catalog.Op) error {
	return perCollection(ops, func(first *catalog.Op, ids []string) error {
		e := audit.Entry{Action: audit.Write, Collection: first.Collection, IDs: ids, Count: int64(len(ids))}
		if first.Kind == catalog.Delete {
			e.Action = audit.Delete
		}
		if info, ok := r.s.cfg.Engine.Collection(first.Collection); ok {
			for i := range ops {
				if ops[i].Collection != first.Collection {
					continue
				}
				for _, f := range guardedOf(&info.Collection, ops[i].Feature.Props) {
					if !slices.Contains(e.Fields, f) {
						e.Fields = append(e.Fields, f)
					}
				}
			}
		}
		return r.record(e)
	})
}

// undoneAll records that they did not come about.
func (r *request) undoneAll(ops []catalog.Op) {
	_ = perCollection(ops, func(first *catalog.Op, ids []string) error {
		r.undone(first.Collection, ids...)
		return nil
	})
}
