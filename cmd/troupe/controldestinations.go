package main

import (
	"github.com/troupe-proxy/troupe/actors"
	"github.com/troupe-proxy/troupe/internal/egress"
	"github.com/troupe-proxy/troupe/web"
)

// busyDestinations are there from the start: nobody has to be asked for them.
func (c control) busyDestinations() web.BusyDestinations {
	all, total := c.service.metrics.BusiestDestinations()
	busy := web.BusyDestinations{All: make([]web.BusyDestination, len(all)), CONNECTs: total, Places: actors.MostBusiest}
	for i := range all {
		busy.All[i] = showDestination(&all[i])
	}
	return busy
}

// showDestination puts a destination in the words of the API.
func showDestination(d *actors.BusyDestination) web.BusyDestination {
	one := web.BusyDestination{
		Address: d.Address, Count: d.Count, Error: d.Error, Since: d.Since, Last: d.Last,
		Dials: showDials(d.Dials[:]), Connected: d.Dials[egress.Connected], Greetings: showGreetings(&d.Greetings),
	}
	if d.Refusal != nil {
		one.RefusalText, one.RefusalAt, one.RefusalTo = d.Refusal.Text, d.Refusal.At, d.Refusal.Source
	}
	return one
}
