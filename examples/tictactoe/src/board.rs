//! The rules, and two ways of playing. Knows nothing of the network.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Whose mark it is. `X` begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mark {
    /// The one who begins.
    X,
    /// The other.
    O,
}

impl Mark {
    /// The other player's mark.
    pub fn other(self) -> Mark {
        match self {
            Mark::X => Mark::O,
            Mark::O => Mark::X,
        }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Mark::X => "X",
            Mark::O => "O",
        })
    }
}

/// How a game ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Three in a row.
    Won(Mark),
    /// All nine cells are taken.
    Drawn,
}

/// A move that the rules do not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IllegalMove;

impl fmt::Display for IllegalMove {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the cell is taken or is not on the board")
    }
}

impl std::error::Error for IllegalMove {}

/// Nine cells, numbered from 0 row by row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Board([Option<Mark>; 9]);

const LINES: [[usize; 3]; 8] = [[0, 1, 2], [3, 4, 5], [6, 7, 8], [0, 3, 6], [1, 4, 7], [2, 5, 8], [0, 4, 8], [2, 4, 6]];

impl Board {
    /// Puts a mark into a free cell.
    pub fn put(&mut self, cell: usize, mark: Mark) -> Result<(), IllegalMove> {
        match self.0.get_mut(cell) {
            Some(free @ None) => {
                *free = Some(mark);
                Ok(())
            }
            Some(Some(_)) | None => Err(IllegalMove),
        }
    }

    /// How the game ended, if it has.
    pub fn outcome(&self) -> Option<Outcome> {
        for line in LINES {
            for mark in [Mark::X, Mark::O] {
                if line.iter().all(|&cell| self.at(cell) == Some(mark)) {
                    return Some(Outcome::Won(mark));
                }
            }
        }
        self.free().next().is_none().then_some(Outcome::Drawn)
    }

    /// The three rows, for instance `X.O|.X.|..O`.
    pub fn rows(&self) -> String {
        let cell = |mark: &Option<Mark>| mark.map_or_else(|| ".".to_owned(), |mark| mark.to_string());
        self.0.chunks(3).map(|row| row.iter().map(cell).collect::<String>()).collect::<Vec<_>>().join("|")
    }

    fn at(&self, cell: usize) -> Option<Mark> {
        self.0.get(cell).copied().flatten()
    }

    fn free(&self) -> impl Iterator<Item = usize> {
        (0..self.0.len()).filter(|&cell| self.at(cell).is_none())
    }

    /// The free cell that would give `mark` three in a row.
    fn finishing(&self, mark: Mark) -> Option<usize> {
        self.free().find(|&cell| {
            let mut then = self.clone();
            then.put(cell, mark).is_ok() && then.outcome() == Some(Outcome::Won(mark))
        })
    }
}

/// Chooses the next move; `None` on a full board.
pub type Strategy = fn(&Board, Mark) -> Option<usize>;

/// Wins if it can, else hinders, else takes the best free cell.
pub fn careful(board: &Board, me: Mark) -> Option<usize> {
    const BEST_FIRST: [usize; 9] = [4, 0, 2, 6, 8, 1, 3, 5, 7];
    board
        .finishing(me)
        .or_else(|| board.finishing(me.other()))
        .or_else(|| BEST_FIRST.into_iter().find(|&cell| board.at(cell).is_none()))
}

/// Takes the first free cell.
pub fn careless(board: &Board, _me: Mark) -> Option<usize> {
    board.free().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn game(x: Strategy, o: Strategy) -> (Outcome, String) {
        let (mut board, mut turn) = (Board::default(), Mark::X);
        loop {
            if let Some(outcome) = board.outcome() {
                return (outcome, board.rows());
            }
            let strategy = if turn == Mark::X { x } else { o };
            board.put(strategy(&board, turn).unwrap(), turn).unwrap();
            turn = turn.other();
        }
    }

    #[test]
    fn games_end() {
        assert_eq!(game(careful, careless).0, Outcome::Won(Mark::X));
        assert_eq!(game(careless, careful).0, Outcome::Won(Mark::O));
        assert_eq!(game(careful, careful), (Outcome::Drawn, "OOX|XXO|OXX".to_owned()));
    }

    #[test]
    fn a_taken_or_absent_cell_is_refused() {
        let mut board = Board::default();
        assert_eq!(board.put(9, Mark::X), Err(IllegalMove));
        board.put(4, Mark::X).unwrap();
        assert_eq!(board.put(4, Mark::O), Err(IllegalMove));
        assert_eq!(board.rows(), "...|.X.|...");
    }
}
