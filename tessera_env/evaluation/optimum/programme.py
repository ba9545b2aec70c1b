"""A linear programme, built column by column and row by row, and a lower bound of it that rounding cannot break."""

import numpy as np
from scipy import sparse
from scipy.optimize import OptimizeResult, linprog

Numbers = float | np.ndarray


class Programme:
    """Least dollars of columns between 0 and an upper end, subject to rows that must not exceed their limits."""

    def __init__(self) -> None:
        self._usd: list[np.ndarray] = []
        self._upper: list[np.ndarray] = []
        self._limits: list[np.ndarray] = []
        self._entries: list[tuple[np.ndarray, ...]] = []
        self.column_count = 0
        self.row_count = 0

    def columns(self, usd: Numbers, upper: Numbers) -> np.ndarray:
        """New columns, (n,) of them, by what a unit costs and how much there can be at most; returns their numbers."""
        usd, upper = np.broadcast_arrays(np.atleast_1d(usd), np.atleast_1d(upper))
        self._usd.append(usd)
        self._upper.append(upper)
        self.column_count += len(usd)
        return np.arange(self.column_count - len(usd), self.column_count)

    def rows(self, limits: Numbers) -> np.ndarray:
        """New rows, (n,) of them, by their limits; returns their numbers."""
        limits = np.atleast_1d(limits)
        self._limits.append(limits)
        self.row_count += len(limits)
        return np.arange(self.row_count - len(limits), self.row_count)

    def enter(self, rows: Numbers, columns: Numbers, factors: Numbers) -> None:
        """A unit of the columns counts this much in the rows."""
        self._entries.append(tuple(part.ravel() for part in np.broadcast_arrays(rows, columns, factors)))

    def at_most(self, limit: float, *terms: tuple[np.ndarray, Numbers]) -> None:
        """One row more: these columns with these factors add up to the limit at most."""
        (row,) = self.rows(limit)
        for columns, factors in terms:
            self.enter(row, columns, factors)

    def least_usd(self) -> float:
        """A lower bound of the least dollars, as near to them as the solver comes.

        HiGHS finds the rows' prices. Whatever it gives, for rows Ax <= b, 0 <= x <= u and any prices p >= 0 on the rows
        no x costs less than -pb + the sum over columns of min(0, c + A'p) u: that is returned.

        Raises:
            RuntimeError: the solver gave up.
        """
        usd, upper, limits, matrix = self._arrays()
        prices = np.maximum(-self._solved(whole=False).ineqlin.marginals, 0.0)
        return float(np.minimum(usd + prices @ matrix, 0.0) @ upper - prices @ limits)

    def least_columns(self, whole: bool = False) -> np.ndarray:
        """How much there is of each column where the dollars are least, (n,), as near as the solver comes.

        Args:
            whole: only whole numbers of each, which may take much longer.

        Raises:
            RuntimeError: the solver gave up, or nothing satisfies the rows.
        """
        return self._solved(whole).x

    def _arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, sparse.csr_array]:
        usd, upper, limits = (np.concatenate(parts) for parts in (self._usd, self._upper, self._limits))
        rows, columns, factors = (np.concatenate(parts) for parts in zip(*self._entries, strict=True))
        shape = (self.row_count, self.column_count)
        return usd, upper, limits, sparse.csr_array((factors.astype(float), (rows, columns)), shape=shape)

    def _solved(self, whole: bool) -> OptimizeResult:
        usd, upper, limits, matrix = self._arrays()
        bounds = np.column_stack((np.zeros(len(upper)), upper))
        # Unless told, the solver takes whole numbers that are 0.01 % dearer than need be.
        options = {"mip_rel_gap": 0.0} if whole else {}
        result = linprog(
            usd, A_ub=matrix, b_ub=limits, bounds=bounds, method="highs", integrality=int(whole), options=options
        )
        if result.status != 0:
            raise RuntimeError(f"the linear programme was not solved: {result.message}")
        return result
