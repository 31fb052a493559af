"""Pure rules, standard library only: what is true whatever database, store or network is used."""
