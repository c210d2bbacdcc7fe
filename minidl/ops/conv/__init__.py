"""Convolution, as one linear map.

A convolution lays a small kernel w on every place of an input x and sums the products there. (The kernel is not turned
round, so strictly this is a cross-correlation; every deep-learning library calls it convolution.)

    y[n, o, i] = b[o] + sum over c and k of  w[o, c, k] * x[n, c, i * stride + k * dilation - padding]

with n the image, o and c the output and input channels, i the output place and k the place in the kernel (one index
each for 1 to 3 dimensions), and x zero where the index lies outside. The smallest example:

    x = 1 2 3      w = a b      y = 1a+2b+4c+5d   2a+3b+5c+6d
        4 5 6          c d          4a+5b+7c+8d   5a+6b+8c+9d
        7 8 9

Each y is a sum of x's with fixed weights, so the map is a matrix. With inputs and outputs in reading order, Y = W X:

    W = a b . c d . . . .
        . a b . c d . . .
        . . . a b . c d .
        . . . . a b . c d

>>> import minidl as torch
>>> w = torch.tensor([[[[1., 2.], [3., 4.]]]])
>>> x = torch.arange(1., 10.).reshape(1, 1, 3, 3)
>>> W = dense_matrix(w, (1, 3, 3))
>>> W
tensor([[1., 2., 0., 3., 4., 0., 0., 0., 0.],
        [0., 1., 2., 0., 3., 4., 0., 0., 0.],
        [0., 0., 0., 1., 2., 0., 3., 4., 0.],
        [0., 0., 0., 0., 1., 2., 0., 3., 4.]])
>>> W @ x.flatten(), torch.nn.functional.conv2d(x, w).flatten()
(tensor([37., 47., 67., 77.]), tensor([37., 47., 67., 77.]))

Three things can be read from the matrix.

- Sharing and locality: 4 numbers fill 36 places. A linear layer would learn all 36.
- The gradient. If g is the gradient of a loss for Y, that for X is W^T g. The map X = W^T Y takes 4 numbers to 9: it
  undoes the shapes of the convolution, not its values, and networks that enlarge images use it as a layer of its own.
  Hence its name, transposed convolution.
- The column of the middle input is (d, c, b, a). So the transpose also lays a kernel on every place: with stride 1 it
  is a convolution with the kernel turned round.

>>> y = torch.tensor([[[[1., 10.], [100., 1000.]]]])
>>> (W.T @ y.flatten()).reshape(3, 3)
tensor([[1.0000e+00, 1.2000e+01, 2.0000e+01],
        [1.0300e+02, 1.2340e+03, 2.0400e+03],
        [3.0000e+02, 3.4000e+03, 4.0000e+03]])
>>> torch.equal(torch.nn.functional.conv_transpose2d(y, w).flatten(), W.T @ y.flatten())
True

The convolution is linear in w too, and the gradient for w is of the same kind: it correlates x with g. These three maps
(in `functional`) name each other as gradients, and so give derivatives of every order. How they are computed is another
matter: `im2col` gathers patches into columns and leaves the work to a matrix product. `geometry` says which sizes fit.

Dumoulin, Visin, A guide to convolution arithmetic for deep learning, 2016, https://arxiv.org/abs/1603.07285.
"""

from .dense import dense_matrix as dense_matrix
from .functional import conv1d as conv1d
from .functional import conv2d as conv2d
from .functional import conv3d as conv3d
from .functional import conv_transpose1d as conv_transpose1d
from .functional import conv_transpose2d as conv_transpose2d
from .functional import conv_transpose3d as conv_transpose3d
