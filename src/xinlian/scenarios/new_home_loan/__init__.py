"""Scenario A: 新建住房申请公积金贷款 (dossier 3.1). Data only."""
